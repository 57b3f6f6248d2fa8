// Sending: what becomes of a signal, and which task is told (signal(7), "Process-directed and
// thread-directed signals").
#include "arch/x86_64/application.hh"
#include "linux/process.hh"
#include "linux/signal/delivery.hh"
#include "linux/signal/signal_numbers.hh"
#include "linux/signal/signals.hh"
#include "linux/task.hh"
#include "linux/threads/child_status.hh"
#include "sched/thread_state.hh"
#include "sync/lock_guard.hh"

namespace plumbline::linux_abi {
namespace {

constinit Spinlock lock;
// Stopped tasks; few, so one queue serves all processes.
constinit WaitQueue continued;

constexpr unsigned kLimitPendingSignals = 11;  // RLIMIT_SIGPENDING

bool busy_with_signal(const Task& task) {
  return (task.thread->application.work.load(std::memory_order_relaxed) & kWorkSignal) != 0;
}

bool wants(const Task& task, unsigned signal) {
  const SignalMask blocked = task.blocked & ~task.signal_taker.waited_for & ~kUnblockable;
  return (blocked & signal_bit(signal)) == 0;
}

// The first task if it may take the signal, else one that has no other to handle, else any. Null:
// all block it, and whoever unblocks it finds it.
Task* choose_taker(Process& process, unsigned signal) {
  Task* second = nullptr;
  bool first = true;
  for (SignalTaker& taker : process.signal_takers) {
    if (wants(*taker.task, signal)) {
      if (first || !busy_with_signal(*taker.task)) return taker.task;
      if (second == nullptr) second = taker.task;
    }
    first = false;
  }
  return second;
}

// The mask whose signals a process keeps although their action is to ignore them: the action may
// have changed by the time that they are unblocked. Linux asks the first task.
SignalMask kept_blocked(Process& process, const Task* target) {
  if (target != nullptr) return target->blocked;
  SignalTaker* first = process.signal_takers.front();
  return first == nullptr ? 0 : first->task->blocked;
}

void flush_everywhere(Process& process, SignalMask mask) {
  flush_signals(process.pending, mask);
  for (SignalTaker& taker : process.signal_takers) flush_signals(taker.task->pending, mask);
}

// Stop signals and SIGCONT undo each other as soon as they are sent, whatever their actions are.
void cancel_opposite(Process& process, unsigned signal) {
  if ((kStopSignals & signal_bit(signal)) != 0) flush_everywhere(process, signal_bit(kSIGCONT));
  if (signal == kSIGCONT) {
    flush_everywhere(process, kStopSignals);
    if (process.stopped.load(std::memory_order_relaxed)) {
      process.job_status.store(kContinuedStatus, std::memory_order_relaxed);
      // The first of its tasks to go on tells the parent: here are no process table's locks to
      // take.
      process.tells_continued.store(true, std::memory_order_relaxed);
    }
    process.stopped.store(false, std::memory_order_release);
    continued.wake_all();
  }
  if (signal == kSIGKILL) continued.wake_all();
}

// True when the signal is to be dropped. With the lock.
bool drops(Process& process, const Task* target, unsigned signal) {
  cancel_opposite(process, signal);
  return is_ignored(process.handlers.actions[signal], signal) &&
         (kept_blocked(process, target) & signal_bit(signal)) == 0;
}

// A signal has been queued: tells the task that should take it. With the lock.
void tell(Process& process, Task* target, unsigned signal) {
  Task* taker = target;
  if (target == nullptr) {
    taker = choose_taker(process, signal);
  } else if (!wants(*target, signal)) {
    taker = nullptr;
  }
  if (taker != nullptr) request_attention(*taker->thread, kWorkSignal);
}

Status send(Process& process, Task* target, const SignalInformation& information) {
  const auto signal = static_cast<unsigned>(information.signal);
  {
    const LockGuard guard(lock);
    // A task that has ended takes nothing, and nobody waits for it to.
    if (target != nullptr && !target->signal_taker.hook.linked()) return {};
    if (drops(process, target, signal)) return {};
    PendingSignals& pending = target != nullptr ? target->pending : process.pending;
    if (Status status =
            queue_signal(pending, information, process.limits[kLimitPendingSignals].current);
        !status)
      return status;
    tell(process, target, signal);
  }
  process.signal_arrivals.notify(kPollIn);
  return {};
}

}  // namespace

Spinlock& signal_lock() { return lock; }

Status send_signal(Process& process, const SignalInformation& information) {
  return send(process, nullptr, information);
}

Status send_signal(Task& task, const SignalInformation& information) {
  return send(*task.process, &task, information);
}

TimerSignal send_timer_signal(Process& process, Task* target, QueuedSignal& entry) {
  const auto signal = static_cast<unsigned>(entry.information.signal);
  {
    const LockGuard guard(lock);
    if (target != nullptr && !target->signal_taker.hook.linked()) return TimerSignal::kGone;
    if (drops(process, target, signal)) return TimerSignal::kIgnored;
    queue_timer_signal(target != nullptr ? target->pending : process.pending, entry);
    tell(process, target, signal);
  }
  process.signal_arrivals.notify(kPollIn);
  return TimerSignal::kQueued;
}

void recall_timer_signal(Process& process, Task* target, QueuedSignal& entry) {
  const LockGuard guard(lock);
  if (!entry.hook.linked()) return;
  recall_queued(target != nullptr ? target->pending : process.pending, entry);
}

void force_signal(const SignalInformation& information) {
  Task& task = current_task();
  const auto signal = static_cast<unsigned>(information.signal);
  const LockGuard guard(lock);
  SignalAction& action = task.process->handlers.actions[signal];
  const bool blocked = (task.blocked & signal_bit(signal)) != 0;
  // Going back would only repeat the fault.
  if (blocked || action.handler == kHandlerIgnore) action = {};
  task.blocked &= ~signal_bit(signal);
  static_cast<void>(queue_signal(task.pending, information, ~std::uint64_t{0}));
  request_attention(*task.thread, kWorkSignal);
}

void attach_signals(Task& task) {
  const LockGuard guard(lock);
  task.signal_taker.task = &task;
  task.process->signal_takers.push_back(&task.signal_taker);
}

void detach_signals(Task& task) {
  const LockGuard guard(lock);
  if (!task.signal_taker.hook.linked()) return;
  Process& process = *task.process;
  process.signal_takers.remove(&task.signal_taker);
  flush_signals(task.pending, ~SignalMask{0});
  // What the task had been chosen for, and has not taken, is for the others.
  for (SignalMask rest = process.pending.mask; rest != 0; rest &= rest - 1)
    tell(process, nullptr, next_signal(rest & ~(rest - 1)));
}

void wait_while_stopped(Task& task) {
  Process& process = *task.process;
  continued.wait_until([&] {
    return !process.stopped.load(std::memory_order_acquire) ||
           task.must_end.load(std::memory_order_acquire) ||
           ((task.pending.mask | process.pending.mask) & signal_bit(kSIGKILL)) != 0;
  });
  if (process.tells_continued.load(std::memory_order_relaxed) &&
      process.tells_continued.exchange(false, std::memory_order_relaxed))
    report_stop(process, kChildContinued, static_cast<int>(kSIGCONT));
}

}  // namespace plumbline::linux_abi
