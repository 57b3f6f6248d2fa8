// What sending and taking signals share: the lock, and who is told. For linux/signal and the timers
// of linux/time.
#pragma once

#include "linux/signal/signal_queue.hh"
#include "linux/signal/signal_state.hh"
#include "sync/spinlock.hh"

namespace plumbline::linux_abi {

class Process;
class Task;
enum class TimerSignal : std::uint8_t { kQueued, kIgnored, kGone };

// Protects all pending sets, signal takers and handlers. Interrupt handlers take it, after the
// locks of timers and before those of run queues.
Spinlock& signal_lock();

// What the task could take now; with the lock.
SignalMask deliverable_signals(const Task& task);

// Queues a timer's own entry for `target`, or for its process. kIgnored: not queued since it would
// be ignored; kGone: the task has ended. For the functions of timers.
TimerSignal send_timer_signal(Process& process, Task* target, QueuedSignal& entry);
// Takes an entry back that may be queued (timer_delete, timer_settime).
void recall_timer_signal(Process& process, Task* target, QueuedSignal& entry);

// Tells the parent that the process stopped or goes on (CLD_STOPPED, CLD_CONTINUED).
void report_stop(Process& process, int code, int status);
// Waits while the running task's process is stopped.
void wait_while_stopped(Task& task);

}  // namespace plumbline::linux_abi
