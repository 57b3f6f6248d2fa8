#include "linux/sockets/control_buffer.hh"

#include <new>

#include "linux/sockets/descriptors.hh"
#include "memory/application_memory.hh"

namespace plumbline::linux_abi {

namespace {

// net.core.optmem_max.
constexpr std::uint64_t kMostControl = 20480;
constexpr std::size_t kOnStack = 256;

Status add_files(SendControl& control, std::span<const std::byte> data) {
  const std::size_t count = data.size() / sizeof(std::int32_t);
  if (count == 0) return {};
  if (count > FileBundle::kMost) return Errno::kEINVAL;
  if (!control.files) {
    control.files = Ref<FileBundle>::adopt(new (std::nothrow) FileBundle);
    if (!control.files) return Errno::kENOMEM;
  }
  for (std::size_t i = 0; i < count; ++i) {
    auto file = file_of(load_unaligned<std::int32_t>(data.data() + i * sizeof(std::int32_t)));
    if (!file) return file.error();
    if (!control.files->add(std::move(*file))) return Errno::kEINVAL;
  }
  return {};
}

Status set_credentials(SendControl& control, std::span<const std::byte> data) {
  if (data.size() != sizeof(ProcessCredentials)) return Errno::kEINVAL;
  const auto claimed = load_unaligned<ProcessCredentials>(data.data());
  const ProcessCredentials own = current_credentials();
  // The superuser may say anything (unix(7)).
  if (own.user != 0 && claimed != own) return Errno::kEPERM;
  control.credentials = claimed;
  control.has_credentials = true;
  return {};
}

Status take_unix(SendControl& control, const ControlMessage& message) {
  if (message.level != kLevelSocket) return {};
  switch (message.type) {
    case kControlRights:
      return add_files(control, message.data);
    case kControlCredentials:
      return set_credentials(control, message.data);
    default:
      return Errno::kEINVAL;
  }
}

Status take_internet(SendControl& control, const ControlMessage& message) {
  if (message.level == kLevelSocket)
    return message.type == kControlRights || message.type == kControlCredentials
               ? Status()
               : Status(Errno::kEINVAL);
  if (message.level != kLevelIp) return {};
  const auto number = [&]() -> Result<int> {
    if (message.data.size() == sizeof(std::int32_t))
      return load_unaligned<std::int32_t>(message.data.data());
    if (message.data.size() == 1) return static_cast<int>(message.data[0]);
    return Errno::kEINVAL;
  };
  switch (message.type) {
    case kIpPacketInformation:
      // struct in_pktinfo: interface, source address, (unused here) destination.
      if (message.data.size() != 12) return Errno::kEINVAL;
      control.source = {load_be32(message.data.data() + 4)};
      return {};
    case kIpTypeOfService: {
      const auto value = number();
      if (!value || *value < 0 || *value > 255) return Errno::kEINVAL;
      control.type_of_service = *value;
      return {};
    }
    case kIpTimeToLive: {
      const auto value = number();
      if (!value || *value < 1 || *value > 255) return Errno::kEINVAL;
      control.time_to_live = *value;
      return {};
    }
    default:
      return Errno::kEINVAL;
  }
}

}  // namespace

Status parse_control(SendControl& control, int family, std::span<const std::byte> bytes) {
  ControlMessage message;
  for (;;) {
    const Result<bool> next = next_control(bytes, message);
    if (!next) return next.error();
    if (!*next) return {};
    const Status taken =
        family == kFamilyUnix ? take_unix(control, message) : take_internet(control, message);
    if (!taken) return taken;
  }
}

Status load_control(SendControl& control, const Socket& socket, std::uint64_t at,
                    std::uint64_t length) {
  if (length > kMostControl) return Errno::kENOBUFS;
  std::byte few[kOnStack];
  std::byte* buffer = few;
  if (length > sizeof few) {
    buffer = new (std::nothrow) std::byte[length];
    if (buffer == nullptr) return Errno::kENOBUFS;
  }
  Status result = Errno::kEFAULT;
  if (is_application_range(at, length) && copy_from_application(buffer, at, length) == length)
    result = parse_control(control, socket.family(), {buffer, length});
  if (buffer != few) delete[] buffer;
  return result;
}

}  // namespace plumbline::linux_abi
