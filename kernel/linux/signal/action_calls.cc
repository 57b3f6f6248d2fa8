// Actions, masks and alternate stacks: rt_sigaction(2), rt_sigprocmask(2), sigaltstack(2).
#include "arch/x86_64/application.hh"
#include "linux/call.hh"
#include "linux/signal/delivery.hh"
#include "linux/signal/signal_numbers.hh"
#include "linux/signal/signals.hh"
#include "linux/task.hh"
#include "linux/time/process_timers.hh"
#include "memory/application_memory.hh"
#include "sync/lock_guard.hh"

namespace plumbline::linux_abi {
namespace {

constexpr std::uint64_t kMaskSize = sizeof(SignalMask);
// rt_sigprocmask's `how`.
constexpr int kBlock = 0, kUnblock = 1, kSetMask = 2;

// What is pending and would now be ignored goes away (POSIX, sigaction). With the lock.
void flush_ignored(Process& process, unsigned signal) {
  flush_signals(process.pending, signal_bit(signal));
  for (SignalTaker& taker : process.signal_takers)
    flush_signals(taker.task->pending, signal_bit(signal));
}

void exchange_action(Process& process, unsigned signal, const SignalAction* wanted,
                     SignalAction& old) {
  bool no_longer_ignored = false;
  {
    const LockGuard guard(signal_lock());
    SignalAction& action = process.handlers.actions[signal];
    old = action;
    if (wanted == nullptr) return;
    action = *wanted;
    action.mask &= ~kUnblockable;
    if (is_ignored(action, signal)) {
      flush_ignored(process, signal);
    } else {
      no_longer_ignored = is_ignored(old, signal);
    }
  }
  if (no_longer_ignored) restart_ignored_timers(process, signal);
}

Status call_rt_sigaction(int number, std::uint64_t new_address, std::uint64_t old_address,
                         std::uint64_t mask_size) {
  if (mask_size != kMaskSize) return Errno::kEINVAL;
  SignalAction wanted{};
  if (new_address != 0) {
    const Result<SignalAction> given = load_application<SignalAction>(new_address);
    if (!given) return given.error();
    wanted = *given;
  }
  const auto signal = static_cast<unsigned>(number);
  if (number < 1 || !is_signal(signal)) return Errno::kEINVAL;
  if (new_address != 0 && (kUnblockable & signal_bit(signal)) != 0) return Errno::kEINVAL;
  SignalAction old;
  exchange_action(current_process(), signal, new_address != 0 ? &wanted : nullptr, old);
  return old_address == 0 ? Status{} : store_application(old_address, old);
}

Status change_mask(int how, SignalMask set) {
  const SignalMask blocked = current_task().blocked;
  switch (how) {
    case kBlock:
      set_blocked(blocked | set);
      return {};
    case kUnblock:
      set_blocked(blocked & ~set);
      return {};
    case kSetMask:
      set_blocked(set);
      return {};
    default:
      return Errno::kEINVAL;
  }
}

Status call_rt_sigprocmask(int how, std::uint64_t set_address, std::uint64_t old_address,
                           std::uint64_t mask_size) {
  if (mask_size != kMaskSize) return Errno::kEINVAL;
  const SignalMask old = current_task().blocked;
  if (set_address != 0) {
    const Result<SignalMask> set = load_application<SignalMask>(set_address);
    if (!set) return set.error();
    if (Status status = change_mask(how, *set); !status) return status;
  }
  return old_address == 0 ? Status{} : store_application(old_address, old);
}

Status call_rt_sigpending(std::uint64_t address, std::uint64_t size) {
  if (size > kMaskSize) return Errno::kEINVAL;
  const SignalMask pending = pending_signals() & current_task().blocked;
  if (!is_application_range(address, size) || copy_to_application(address, &pending, size) != size)
    return Errno::kEFAULT;
  return {};
}

// stack_t and its flags.
struct StackDescription {
  std::uint64_t address;
  std::int32_t flags, padding;
  std::uint64_t size;
};
constexpr std::int32_t kOnStack = 1, kDisabled = 2;
constexpr std::uint32_t kAutoDisarm = 1u << 31;
constexpr std::uint64_t kLeastStack = 2048;  // MINSIGSTKSZ

bool is_on(const AlternateStack& stack, std::uint64_t stack_pointer) {
  return (static_cast<std::uint32_t>(stack.flags) & kAutoDisarm) == 0 &&
         stack_pointer > stack.address && stack_pointer - stack.address <= stack.size;
}

Status set_alternate_stack(AlternateStack& stack, const StackDescription& wanted, bool in_use) {
  if (in_use) return Errno::kEPERM;
  const auto mode =
      static_cast<std::int32_t>(static_cast<std::uint32_t>(wanted.flags) & ~kAutoDisarm);
  if (mode != 0 && mode != kOnStack && mode != kDisabled) return Errno::kEINVAL;
  if (mode == kDisabled) {
    stack = {0, wanted.flags, 0};
    return {};
  }
  if (wanted.size < kLeastStack) return Errno::kENOMEM;
  stack = {wanted.address, wanted.flags, wanted.size};
  return {};
}

Status call_sigaltstack(std::uint64_t new_address, std::uint64_t old_address) {
  AlternateStack& stack = current_task().alternate_stack;
  const AlternateStack before = stack;
  const bool in_use = is_on(before, call_registers().rsp);
  if (new_address != 0) {
    const Result<StackDescription> wanted = load_application<StackDescription>(new_address);
    if (!wanted) return wanted.error();
    if (Status status = set_alternate_stack(stack, *wanted, in_use); !status) return status;
  }
  if (old_address == 0) return {};
  std::int32_t flags =
      before.size == 0
          ? kDisabled
          : static_cast<std::int32_t>(static_cast<std::uint32_t>(before.flags) & kAutoDisarm);
  if (in_use) flags |= kOnStack;
  return store_application(old_address, StackDescription{before.address, flags, 0, before.size});
}

LINUX_CALL(13, rt_sigaction, call_rt_sigaction);
LINUX_CALL(14, rt_sigprocmask, call_rt_sigprocmask);
LINUX_CALL(127, rt_sigpending, call_rt_sigpending);
LINUX_CALL_WITH_REGISTERS(131, sigaltstack, call_sigaltstack);

}  // namespace
}  // namespace plumbline::linux_abi
