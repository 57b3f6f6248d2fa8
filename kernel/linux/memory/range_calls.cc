// Calls about ranges of mapped memory: madvise, msync, mincore.
#include <algorithm>

#include "core/units.hh"
#include "linux/call.hh"
#include "memory/address_space.hh"
#include "memory/application_memory.hh"

namespace plumbline::linux_abi {
namespace {

Status call_madvise(std::uint64_t address, std::uint64_t length, int advice) {
  return address_space::advise(address, length, advice);
}
LINUX_CALL(28, madvise, call_madvise);

// What is written through a shared mapping is the file's at once; there is no disk to wait for.
Status call_msync(std::uint64_t address, std::uint64_t length, std::uint64_t flags) {
  constexpr std::uint64_t kAsync = 1, kInvalidate = 2, kSync = 4;
  if ((flags & ~(kAsync | kInvalidate | kSync)) != 0 ||
      (flags & (kAsync | kSync)) == (kAsync | kSync)) {
    return Errno::kEINVAL;
  }
  return address_space::check_mapped(address, length);
}
LINUX_CALL(26, msync, call_msync);

Status call_mincore(std::uint64_t address, std::uint64_t length, std::uint64_t vector) {
  if (address % kPageSize != 0) return Errno::kEINVAL;
  if (!is_application_range(address, length)) return Errno::kENOMEM;
  const std::uint64_t pages = align_up(length, kPageSize) / kPageSize;
  if (!is_application_range(vector, pages)) return Errno::kEFAULT;
  unsigned char bytes[256];
  for (std::uint64_t done = 0; done < pages;) {
    const std::uint64_t now = std::min<std::uint64_t>(pages - done, sizeof bytes);
    const Status status =
        address_space::residency(address + done * kPageSize, now * kPageSize, bytes);
    if (!status) return status;
    if (copy_to_application(vector + done, bytes, now) != now) return Errno::kEFAULT;
    done += now;
  }
  return {};
}
LINUX_CALL(27, mincore, call_mincore);

}  // namespace
}  // namespace plumbline::linux_abi
