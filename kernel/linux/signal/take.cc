// Taking: what a task finds on its way back into the program, and the default actions.
#include "arch/x86_64/application.hh"
#include "core/log.hh"
#include "linux/process.hh"
#include "linux/signal/delivery.hh"
#include "linux/signal/signal_numbers.hh"
#include "linux/signal/signals.hh"
#include "linux/task.hh"
#include "linux/terminals/job_control.hh"
#include "linux/threads/child_status.hh"
#include "linux/threads/exit.hh"
#include "linux/time/process_timers.hh"
#include "sched/thread_state.hh"
#include "sync/lock_guard.hh"

namespace plumbline::linux_abi {
namespace {

// Takes kWorkSignal back. With the lock, under which others set it.
void nothing_to_do(Task& task) {
  task.thread->application.work.fetch_and(~kWorkSignal, std::memory_order_relaxed);
}

// A timer's entry: tells how often it expired meanwhile and starts it again. Without the lock.
void after_taking(Process& process, PosixTimer* timer, SignalInformation& information) {
  if (timer != nullptr) timer_signal_taken(process, *timer, information);
}

// Takes the next signal of `mask`; 0 when there is none. With the lock.
unsigned take_from(Task& task, SignalMask mask, SignalInformation& information,
                   PosixTimer*& timer) {
  // Those sent to the task itself come first.
  for (PendingSignals* pending : {&task.pending, &task.process->pending}) {
    const unsigned signal = next_signal(pending->mask & mask);
    if (signal == 0) continue;
    timer = take_queued(*pending, signal, information);
    return signal;
  }
  return 0;
}

bool is_fault(const SignalInformation& information) {
  const auto signal = static_cast<unsigned>(information.signal);
  // Codes above 0 and below SI_KERNEL are causes that the processor told.
  return (kSynchronous & signal_bit(signal)) != 0 && information.code > 0;
}

// One line for whoever wonders why the program is gone.
void report_death(const Task& task, const SignalInformation& information) {
  const auto signal = static_cast<unsigned>(information.signal);
  const Process& process = *task.process;
  if (is_fault(information)) {
    log_error("%s: process %u, task %u (%s): %s, code %d, address 0x%lx, instruction 0x%lx",
              process.executable_path, process.id, task.id, task.name, signal_name(signal),
              information.code, static_cast<unsigned long>(information.fields[0]),
              static_cast<unsigned long>(call_registers().rip));
  } else if (signal == kSIGABRT || signal == kSIGSYS) {
    log_error("%s: process %u, task %u (%s): %s", process.executable_path, process.id, task.id,
              task.name, signal_name(signal));
  }
}

void stop_process(Task& task, unsigned signal) {
  Process& process = *task.process;
  // Nobody would continue it (POSIX, "orphaned process group").
  if (signal != kSIGSTOP && group_is_orphaned(process)) return;
  {
    const LockGuard guard(signal_lock());
    // SIGCONT may have come since the signal was taken; it would wait for ever.
    if (((task.pending.mask | process.pending.mask) & signal_bit(kSIGCONT)) != 0) return;
    // A second stop signal finds it stopped, and changes nothing.
    if (process.stopped.load(std::memory_order_relaxed)) return;
    process.job_status.store(stopped_status(signal), std::memory_order_relaxed);
    process.tells_continued.store(false, std::memory_order_relaxed);
    process.stopped.store(true, std::memory_order_release);
    for (SignalTaker& taker : process.signal_takers)
      request_attention(*taker.task->thread, kWorkSignal);
  }
  report_stop(process, kChildStopped, static_cast<int>(signal));
}

// Carries out what happens by default. Returns when the task goes on.
void default_action(Task& task, const SignalInformation& information) {
  const auto signal = static_cast<unsigned>(information.signal);
  if ((kStopSignals & signal_bit(signal)) != 0) {
    stop_process(task, signal);
    return;
  }
  report_death(task, information);
  end_process(information.signal);
}

enum class Taken : std::uint8_t { kNothing, kAgain, kHandler };

Taken take_one(Task& task, SignalInformation& information, SignalAction& action) {
  PosixTimer* timer = nullptr;
  Process& process = *task.process;
  {
    const LockGuard guard(signal_lock());
    const unsigned signal = take_from(task, ~(task.blocked & ~kUnblockable), information, timer);
    if (signal == 0) {
      SignalTaker& taker = task.signal_taker;
      if (taker.restore_blocked) {
        taker.restore_blocked = false;
        task.blocked = taker.saved_blocked;
        return Taken::kAgain;
      }
      nothing_to_do(task);
      return Taken::kNothing;
    }
    SignalAction& shared = process.handlers.actions[signal];
    action = shared;
    if (action.handler > kHandlerIgnore && (action.flags & kActionResetHandler) != 0)
      shared.handler = kHandlerDefault;
  }
  after_taking(process, timer, information);
  if (is_ignored(action, static_cast<unsigned>(information.signal))) return Taken::kAgain;
  if (action.handler != kHandlerDefault) return Taken::kHandler;
  default_action(task, information);
  return Taken::kAgain;
}

}  // namespace

SignalMask deliverable_signals(const Task& task) {
  return (task.pending.mask | task.process->pending.mask) & ~(task.blocked & ~kUnblockable);
}

bool take_signal(SignalInformation& information, SignalAction& action) {
  Task& task = current_task();
  for (;;) {
    end_task_if_asked();
    wait_while_stopped(task);
    // Again: what ended the wait may have been the end of the process.
    end_task_if_asked();
    const Taken taken = take_one(task, information, action);
    if (taken != Taken::kAgain) return taken == Taken::kHandler;
  }
}

namespace {

enum class Found : std::uint8_t { kNothing, kSignal, kStop, kStopped };

// What waits for the task; a stop signal with its default action is taken.
Found find_deliverable(Task& task, SignalInformation& information) {
  const LockGuard guard(signal_lock());
  const Process& process = *task.process;
  const SignalMask deliverable = deliverable_signals(task);
  if (task.must_end.load(std::memory_order_acquire) || (deliverable & signal_bit(kSIGKILL)) != 0)
    return Found::kSignal;
  if (process.stopped.load(std::memory_order_relaxed)) return Found::kStopped;
  if (deliverable == 0) {
    nothing_to_do(task);
    return Found::kNothing;
  }
  // As take_from chooses.
  const SignalMask own = task.pending.mask & deliverable;
  const unsigned signal = next_signal(own != 0 ? own : deliverable);
  if ((kStopSignals & signal_bit(signal)) == 0 ||
      process.handlers.actions[signal].handler != kHandlerDefault)
    return Found::kSignal;
  PosixTimer* timer = nullptr;
  take_from(task, signal_bit(signal), information, timer);
  return Found::kStop;
}

}  // namespace

bool signal_deliverable() {
  Task& task = current_task();
  for (;;) {
    SignalInformation information;
    switch (find_deliverable(task, information)) {
      case Found::kNothing:
        return false;
      case Found::kSignal:
        return true;
      case Found::kStop:
        stop_process(task, static_cast<unsigned>(information.signal));
        break;
      case Found::kStopped:
        // Here and not on the way out: what stops and goes on interrupts no wait.
        wait_while_stopped(task);
        break;
    }
  }
}

void set_blocked(SignalMask blocked) {
  Task& task = current_task();
  const LockGuard guard(signal_lock());
  task.blocked = blocked & ~kUnblockable;
  if (deliverable_signals(task) != 0) request_attention(*task.thread, kWorkSignal);
}

void set_temporary_blocked(SignalMask blocked) {
  Task& task = current_task();
  task.signal_taker.saved_blocked = task.blocked;
  task.signal_taker.restore_blocked = true;
  set_blocked(blocked);
}

void end_temporary_blocked(bool interrupted) {
  SignalTaker& taker = current_task().signal_taker;
  // After an interruption the handler is still to come: take_signal's caller asks for the mask.
  if (interrupted || !taker.restore_blocked) return;
  taker.restore_blocked = false;
  set_blocked(taker.saved_blocked);
}

SignalMask blocked_before_handler() {
  Task& task = current_task();
  SignalTaker& taker = task.signal_taker;
  if (!taker.restore_blocked) return task.blocked;
  taker.restore_blocked = false;
  return taker.saved_blocked;
}

bool dequeue_signal(SignalMask wanted, SignalInformation& information) {
  Task& task = current_task();
  PosixTimer* timer = nullptr;
  {
    const LockGuard guard(signal_lock());
    if (take_from(task, wanted & ~kUnblockable, information, timer) == 0) return false;
  }
  after_taking(*task.process, timer, information);
  return true;
}

SignalMask pending_signals() {
  Task& task = current_task();
  const LockGuard guard(signal_lock());
  return task.pending.mask | task.process->pending.mask;
}

void discard_signals(Process& process) {
  delete_process_timers(process);
  const LockGuard guard(signal_lock());
  flush_signals(process.pending, ~SignalMask{0});
}

void reset_signals_for_exec(Task& task) {
  Process& process = *task.process;
  delete_posix_timers(process);
  task.alternate_stack = {};
  const LockGuard guard(signal_lock());
  for (SignalAction& action : process.handlers.actions) {
    if (action.handler != kHandlerIgnore) action = {};
    action.flags = action.restorer = action.mask = 0;
  }
}

}  // namespace plumbline::linux_abi
