// prctl(2), arch_prctl(2) and personality(2).
#include <array>
#include <cstring>

#include "arch/x86_64/application.hh"
#include "linux/call.hh"
#include "linux/signal/signal_numbers.hh"
#include "linux/task.hh"
#include "memory/application_memory.hh"

namespace plumbline::linux_abi {
namespace {

// include/uapi/linux/prctl.h
enum Option : int {
  kSetParentDeathSignal = 1,
  kGetParentDeathSignal = 2,
  kGetDumpable = 3,
  kSetDumpable = 4,
  kGetKeepCapabilities = 7,
  kSetKeepCapabilities = 8,
  kSetName = 15,
  kGetName = 16,
  kGetSeccomp = 21,
  kReadBounding = 23,
  kDropBounding = 24,
  kGetTimestampCounter = 25,
  kGetSecurebits = 27,
  kSetSecurebits = 28,
  kSetTimerSlack = 29,
  kGetTimerSlack = 30,
  kSetSubreaper = 36,
  kGetSubreaper = 37,
  kSetNoNewPrivileges = 38,
  kGetNoNewPrivileges = 39,
  kGetTaskIdAddress = 40,
  kSetHugePagesDisabled = 41,
  kGetHugePagesDisabled = 42,
  kAmbientCapabilities = 47,
};
constexpr std::uint64_t kDefaultTimerSlack = 50'000;
constexpr int kTimestampCounterEnabled = 1;  // PR_TSC_ENABLE

using Outcome = Result<long>;

Outcome to_outcome(const Status& status) { return status ? Outcome(0L) : status.error(); }

Outcome set_name(Task& task, std::uint64_t address) {
  // Up to 15 bytes and a zero; longer names are cut.
  std::array<char, sizeof task.name> name{};
  for (std::size_t i = 0; i + 1 < name.size(); ++i) {
    const Result<char> byte = load_application<char>(address + i);
    if (!byte) return byte.error();
    if (*byte == 0) break;
    name[i] = *byte;
  }
  std::memcpy(task.name, name.data(), name.size());
  return 0L;
}

Outcome get_name(const Task& task, std::uint64_t address) {
  constexpr std::size_t kLength = sizeof task.name;
  if (!is_application_range(address, kLength) ||
      copy_to_application(address, task.name, kLength) != kLength)
    return Errno::kEFAULT;
  return 0L;
}

Outcome set_flag(bool& flag, std::uint64_t value) {
  if (value > 1) return Errno::kEINVAL;
  flag = value != 0;
  return 0L;
}

Outcome bounding(Identity& identity, std::uint64_t capability, bool drop) {
  if (capability > kLastCapability) return Errno::kEINVAL;
  const std::uint64_t bit = std::uint64_t{1} << capability;
  if (drop) identity.bounding_capabilities &= ~bit;
  return drop ? 0L : static_cast<long>((identity.bounding_capabilities & bit) != 0);
}

// What is set or told as a plain number.
Outcome simple_option(int option, std::uint64_t value, std::uint64_t third) {
  Task& task = current_task();
  ProcessAttributes& own = task.process->attributes;
  Identity& identity = task.process->identity;
  switch (option) {
    case kSetParentDeathSignal:
      if (value > kSignals) return Errno::kEINVAL;
      own.parent_death_signal = static_cast<unsigned>(value);
      return 0L;
    case kGetDumpable:
      return long{own.dumpable};
    case kSetDumpable:
      return set_flag(own.dumpable, value);
    case kGetKeepCapabilities:
      return long{own.keeps_capabilities};
    case kSetKeepCapabilities:
      return set_flag(own.keeps_capabilities, value);
    case kGetSeccomp:
      return 0L;
    case kReadBounding:
      return bounding(identity, value, false);
    case kDropBounding:
      return bounding(identity, value, true);
    case kGetSecurebits:
      return static_cast<long>(own.securebits);
    case kSetSecurebits:
      own.securebits = static_cast<std::uint32_t>(value);
      return 0L;
    case kGetTimerSlack:
      return static_cast<long>(own.timer_slack);
    case kSetTimerSlack:
      own.timer_slack = value == 0 ? kDefaultTimerSlack : value;
      return 0L;
    case kSetSubreaper:
      own.child_subreaper = value != 0;
      return 0L;
    case kSetNoNewPrivileges:
      if (value != 1 || third != 0) return Errno::kEINVAL;
      own.no_new_privileges = true;
      return 0L;
    case kGetNoNewPrivileges:
      return value != 0 || third != 0 ? Outcome(Errno::kEINVAL) : long{own.no_new_privileges};
    case kSetHugePagesDisabled:
      own.huge_pages_disabled = value != 0;
      return 0L;
    case kGetHugePagesDisabled:
      return long{own.huge_pages_disabled};
    case kAmbientCapabilities:
      // PR_CAP_AMBIENT_CLEAR_ALL, and asking: there are none.
      return value == 4 || value == 1 ? Outcome(0L) : Errno::kEPERM;
    default:
      return Errno::kEINVAL;
  }
}

Outcome call_prctl(int option, std::uint64_t value, std::uint64_t third) {
  Task& task = current_task();
  const ProcessAttributes& own = task.process->attributes;
  switch (option) {
    case kSetName:
      return set_name(task, value);
    case kGetName:
      return get_name(task, value);
    case kGetParentDeathSignal:
      return to_outcome(store_application(value, static_cast<int>(own.parent_death_signal)));
    case kGetSubreaper:
      return to_outcome(store_application(value, int{own.child_subreaper}));
    case kGetTimestampCounter:
      return to_outcome(store_application(value, kTimestampCounterEnabled));
    case kGetTaskIdAddress:
      return to_outcome(store_application(value, task.clear_id_address));
    default:
      return simple_option(option, value, third);
  }
}

// arch/x86/include/uapi/asm/prctl.h
constexpr int kSetGs = 0x1001, kSetFs = 0x1002, kGetFs = 0x1003, kGetGs = 0x1004,
              kGetCpuid = 0x1011, kSetCpuid = 0x1012;

Outcome call_arch_prctl(int option, std::uint64_t address) {
  switch (option) {
    case kSetFs:
      if (address >= kApplicationEnd) return Errno::kEPERM;
      set_fs_base(address);
      return 0L;
    case kGetFs:
      return to_outcome(store_application(address, fs_base()));
    // GS is the kernel's here.
    case kSetGs:
      return Errno::kEPERM;
    case kGetGs:
      return to_outcome(store_application(address, std::uint64_t{0}));
    case kGetCpuid:
      return 1L;
    case kSetCpuid:
      return address != 0 ? Outcome(0L) : Errno::kENODEV;
    default:
      return Errno::kEINVAL;
  }
}

Outcome call_personality(std::uint32_t wanted) {
  std::uint32_t& personality = current_process().attributes.personality;
  const std::uint32_t old = personality;
  if (wanted != ~0u) personality = wanted;
  return static_cast<long>(old);
}

LINUX_CALL(135, personality, call_personality);
LINUX_CALL(157, prctl, call_prctl);
LINUX_CALL(158, arch_prctl, call_arch_prctl);

}  // namespace
}  // namespace plumbline::linux_abi
