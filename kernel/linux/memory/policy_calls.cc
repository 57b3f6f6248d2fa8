// Where memory lies, and in which order CPUs see it: one NUMA node, and membarrier.
#include "core/units.hh"
#include "linux/call.hh"
#include "linux/process.hh"
#include "memory/address_space.hh"
#include "memory/application_memory.hh"

namespace plumbline::linux_abi {
namespace {

// Linux, include/uapi/linux/mempolicy.h.
constexpr int kDefault = 0, kHighestMode = 6;
constexpr std::uint64_t kModeFlags = 0xe000;  // MPOL_F_STATIC_NODES and its like
constexpr std::uint64_t kNode = 1, kAddress = 2, kAllowed = 4;

Status call_get_mempolicy(std::uint64_t mode, std::uint64_t mask, std::uint64_t bits,
                          std::uint64_t address, std::uint64_t flags) {
  if ((flags & ~(kNode | kAddress | kAllowed)) != 0 ||
      ((flags & kAllowed) != 0 && (flags & (kNode | kAddress)) != 0) ||
      ((flags & kAddress) == 0 && address != 0) || (mask != 0 && bits == 0)) {
    return Errno::kEINVAL;
  }
  // "The node of a policy" is there only for interleaving ones, unless it is a page's node.
  if ((flags & (kNode | kAddress)) == kNode) return Errno::kEINVAL;
  if ((flags & kAddress) != 0) {
    const std::uint64_t page = align_down(address, kPageSize);
    if (!address_space::check_mapped(page, kPageSize)) return Errno::kEFAULT;
    // The page's node: it has to exist for that.
    if ((flags & kNode) != 0 && !touch_application(address, false)) return Errno::kEFAULT;
  }
  // Node 0 or MPOL_DEFAULT: the same number.
  if (mode != 0 && !store_application<std::int32_t>(mode, kDefault)) return Errno::kEFAULT;
  if (mask == 0) return {};
  const std::size_t bytes = align_up(bits, 64) / 8;
  if (!is_application_range(mask, bytes) || clear_application(mask, bytes) != bytes)
    return Errno::kEFAULT;
  if ((flags & kAllowed) != 0) return store_application<std::uint64_t>(mask, 1);
  return {};
}
LINUX_CALL(239, get_mempolicy, call_get_mempolicy);

bool is_mode(std::uint64_t mode) { return (mode & ~kModeFlags) <= kHighestMode; }

// With one node every policy is kept.
Status call_set_mempolicy(int mode, std::uint64_t, std::uint64_t) {
  if (mode < 0 || !is_mode(static_cast<std::uint64_t>(mode))) return Errno::kEINVAL;
  return {};
}
LINUX_CALL(238, set_mempolicy, call_set_mempolicy);

Status call_mbind(std::uint64_t address, std::uint64_t length, std::uint64_t mode, std::uint64_t,
                  std::uint64_t, std::uint64_t flags) {
  constexpr std::uint64_t kFlags = 7;  // MPOL_MF_STRICT, MOVE, MOVE_ALL
  if (address % kPageSize != 0 || !is_mode(mode) || (flags & ~kFlags) != 0) return Errno::kEINVAL;
  if (!address_space::check_mapped(address, length)) return Errno::kEFAULT;
  return {};
}
LINUX_CALL(237, mbind, call_mbind);

// membarrier(2). Registration costs nothing here, but who forgets it is told so, as on Linux.
Result<int> call_membarrier(int command, unsigned flags, int) {
  // Linux, include/uapi/linux/membarrier.h.
  constexpr int kQuery = 0, kGlobal = 1, kGlobalExpedited = 2, kRegisterGlobalExpedited = 4,
                kPrivateExpedited = 8, kRegisterPrivateExpedited = 16,
                kPrivateExpeditedSyncCore = 32, kRegisterPrivateExpeditedSyncCore = 64;
  if (flags != 0) return Errno::kEINVAL;
  std::atomic<std::uint32_t>& registered = current_process().memory_barriers;
  switch (command) {
    case kQuery:
      return kGlobal | kGlobalExpedited | kRegisterGlobalExpedited | kPrivateExpedited |
             kRegisterPrivateExpedited | kPrivateExpeditedSyncCore |
             kRegisterPrivateExpeditedSyncCore;
    case kRegisterGlobalExpedited:
    case kRegisterPrivateExpedited:
    case kRegisterPrivateExpeditedSyncCore:
      registered.fetch_or(static_cast<std::uint32_t>(command), std::memory_order_relaxed);
      return 0;
    case kPrivateExpedited:
    case kPrivateExpeditedSyncCore:
      // A registration is the next bit above its command.
      if ((registered.load(std::memory_order_relaxed) &
           (static_cast<std::uint32_t>(command) << 1)) == 0)
        return Errno::kEPERM;
      [[fallthrough]];
    case kGlobal:
    case kGlobalExpedited:
      address_space::synchronise_cpus();
      return 0;
    default:
      return Errno::kEINVAL;
  }
}
LINUX_CALL(324, membarrier, call_membarrier);

}  // namespace
}  // namespace plumbline::linux_abi
