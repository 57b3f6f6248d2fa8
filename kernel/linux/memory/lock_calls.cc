// mlock and its relatives. Nothing is ever swapped out, so locking only has to check.
#include "core/units.hh"
#include "linux/call.hh"
#include "memory/address_space.hh"

namespace plumbline::linux_abi {
namespace {

// Linux, include/uapi/asm-generic/mman-common.h and mman.h.
constexpr int kPopulateRead = 22;
constexpr std::uint64_t kOnFault = 1;

// Linux takes any address and the pages around it.
Status check(std::uint64_t address, std::uint64_t length) {
  const std::uint64_t begin = align_down(address, kPageSize);
  const std::uint64_t size = align_up(length + (address - begin), kPageSize);
  if (size < length || begin + size < begin) return Errno::kEINVAL;
  return address_space::check_mapped(begin, size);
}

Status lock(std::uint64_t address, std::uint64_t length, bool bring_in) {
  const Status status = check(address, length);
  if (!status || !bring_in || length == 0) return status;
  const std::uint64_t begin = align_down(address, kPageSize);
  // A page that cannot be had now is not an error of mlock's unless memory is short; mappings
  // without access stay as they are.
  const Status populated = address_space::advise(begin, length + (address - begin), kPopulateRead);
  if (populated.error() == Errno::kENOMEM) return Errno::kEAGAIN;
  return {};
}

Status call_mlock(std::uint64_t address, std::uint64_t length) {
  return lock(address, length, true);
}
LINUX_CALL(149, mlock, call_mlock);

Status call_mlock2(std::uint64_t address, std::uint64_t length, std::uint64_t flags) {
  if ((flags & ~kOnFault) != 0) return Errno::kEINVAL;
  return lock(address, length, (flags & kOnFault) == 0);
}
LINUX_CALL(325, mlock2, call_mlock2);

Status call_munlock(std::uint64_t address, std::uint64_t length) { return check(address, length); }
LINUX_CALL(150, munlock, call_munlock);

Status call_mlockall(std::uint64_t flags) {
  constexpr std::uint64_t kCurrent = 1, kFuture = 2, kAllOnFault = 4;
  if ((flags & (kCurrent | kFuture)) == 0 || (flags & ~(kCurrent | kFuture | kAllOnFault)) != 0) {
    return Errno::kEINVAL;
  }
  return {};
}
LINUX_CALL(151, mlockall, call_mlockall);

Status call_munlockall() { return {}; }
LINUX_CALL(152, munlockall, call_munlockall);

}  // namespace
}  // namespace plumbline::linux_abi
