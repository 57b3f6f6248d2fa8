// The parts of a socket that are a file: read, write, ioctl, stat.
#include "linux/sockets/socket.hh"

#include "core/format.hh"
#include "linux/sockets/descriptors.hh"
#include "linux/sockets/interface_requests.hh"
#include "memory/application_memory.hh"

namespace plumbline::linux_abi {

const char Socket::kKind = 0;

namespace {
// ioctl(2) (Linux, include/uapi/asm-generic/ioctls.h, sockios.h).
constexpr std::uint32_t kReadableBytes = 0x541b, kUnsentBytes = 0x5411, kSetNonblocking = 0x5421,
                        kSetAsync = 0x5452;
}  // namespace

Result<std::size_t> Socket::read(IoCursor& to, std::uint64_t) {
  // As on Linux, a read of nothing does not look at the socket (read(2) and recv(2) differ here).
  if (to.remaining() == 0) return std::size_t{0};
  ReceiveRequest request;
  return receive(to, request);
}

Result<std::size_t> Socket::write(IoCursor& from, std::uint64_t&) {
  const Result<std::size_t> sent = send(from, {});
  if (!sent && sent.error() == Errno::kEPIPE && type_ == kStream) raise_broken_pipe();
  return sent;
}

Result<long> Socket::ioctl(std::uint32_t request, std::uint64_t argument) {
  switch (request) {
    case kReadableBytes:
    case kUnsentBytes: {
      const Result<long> bytes = request == kReadableBytes ? readable_bytes() : unsent_bytes();
      if (!bytes) return bytes;
      const Status stored = store_application(argument, static_cast<std::int32_t>(*bytes));
      if (!stored) return stored.error();
      return 0;
    }
    case kSetNonblocking:
    case kSetAsync: {
      const auto value = load_application<std::int32_t>(argument);
      if (!value) return value.error();
      const std::uint32_t flag = request == kSetNonblocking ? kOpenNonblocking : kOpenAsync;
      set_flags(*value != 0 ? flags() | flag : flags() & ~flag);
      return 0;
    }
    default:
      return interface_request(request, argument);
  }
}

Status Socket::stat(Attributes& attributes) {
  attributes.device = kSocketDevice;
  attributes.inode = inode_;
  attributes.mode = kModeSocket | 0777;
  attributes.links = 1;
  return {};
}

std::size_t Socket::describe(std::span<char> text) {
  return format_text(text, "socket:[%lu]", static_cast<unsigned long>(inode_));
}

}  // namespace plumbline::linux_abi
