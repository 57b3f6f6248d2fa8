// getrandom(2).
#include <algorithm>
#include <array>

#include "core/units.hh"
#include "drivers/random/random.hh"
#include "linux/call.hh"
#include "linux/signal/signals.hh"
#include "memory/application_memory.hh"

namespace plumbline::linux_abi {
namespace {

constexpr unsigned kNonblocking = 1, kRandomDevice = 2, kInsecure = 4;
// As on Linux, a call returns no more than this.
constexpr std::uint64_t kMost = 0x1ff'ffff;

// The generator is seeded when it is first used, so the call never waits.
Result<std::uint64_t> call_getrandom(std::uint64_t address, std::uint64_t length, unsigned flags) {
  if ((flags & ~(kNonblocking | kRandomDevice | kInsecure)) != 0 ||
      (flags & (kRandomDevice | kInsecure)) == (kRandomDevice | kInsecure))
    return Errno::kEINVAL;
  length = std::min(length, kMost);
  if (!is_application_range(address, length)) return Errno::kEFAULT;
  std::array<std::byte, 256> block;
  std::uint64_t done = 0;
  while (done < length) {
    const std::size_t part = std::min<std::size_t>(length - done, block.size());
    random_bytes({block.data(), part});
    const std::size_t copied = copy_to_application(address + done, block.data(), part);
    done += copied;
    if (copied < part) break;
    // Long requests can be interrupted between blocks, though not before the first 256 bytes.
    if (done < length && done % kPageSize == 0 && signal_deliverable()) break;
  }
  if (done == 0 && length != 0) return Errno::kEFAULT;
  return done;
}

LINUX_CALL(318, getrandom, call_getrandom);

}  // namespace
}  // namespace plumbline::linux_abi
