// Pipes as files.
#include <new>

#include "core/format.hh"
#include "fs/attributes.hh"
#include "fs/pipe.hh"
#include "memory/application_memory.hh"

namespace plumbline {
namespace {

// Linux, include/uapi/asm-generic/ioctls.h.
constexpr std::uint32_t kFionread = 0x541b;

}  // namespace

Result<std::size_t> PipeEnd::read(IoCursor& to, std::uint64_t) {
  return pipe_->read(to, nonblocking());
}

Result<std::size_t> PipeEnd::write(IoCursor& from, std::uint64_t&) {
  const std::uint32_t now = flags();
  return pipe_->write(from, (now & kOpenNonblocking) != 0, (now & kOpenDirect) != 0);
}

Result<long> PipeEnd::ioctl(std::uint32_t request, std::uint64_t argument) {
  if (request != kFionread) return Errno::kENOTTY;
  const Status stored = store_application(argument, static_cast<int>(pipe_->available()));
  if (!stored) return stored.error();
  return 0L;
}

Status PipeEnd::stat(Attributes& attributes) {
  attributes = {};
  attributes.device = kPipeDevice;
  attributes.inode = pipe_->inode();
  attributes.mode = kModeFifo | 0600;
  return {};
}

std::size_t PipeEnd::describe(std::span<char> text) {
  return format_text(text, "pipe:[%lu]", pipe_->inode());
}

Result<PipeEnds> create_pipe(std::uint32_t flags) {
  Result<Ref<Pipe>> pipe = Pipe::create();
  if (!pipe) return pipe.error();
  const std::uint32_t status = flags & (kOpenNonblocking | kOpenDirect);
  PipeEnds ends;
  (*pipe)->open_end(true, false);
  ends.reader = Ref<PipeEnd>::adopt(new (std::nothrow) PipeEnd(*pipe, kOpenReadOnly | status));
  (*pipe)->open_end(false, true);
  ends.writer = Ref<PipeEnd>::adopt(new (std::nothrow) PipeEnd(*pipe, kOpenWriteOnly | status));
  if (!ends.reader || !ends.writer) return Errno::kENOMEM;
  return ends;
}

}  // namespace plumbline
