// Sending, taking and delivering signals.
#pragma once

#include <cstdint>

#include "core/result.hh"
#include "linux/signal/signal_state.hh"

namespace plumbline::linux_abi {

class Process;
class Task;

// Queues a signal for a process (any of its tasks takes it) or for one task, and wakes who should
// take it. Callable in interrupt handlers. kEAGAIN: too many real-time signals wait.
Status send_signal(Process& process, const SignalInformation& information);
Status send_signal(Task& task, const SignalInformation& information);
// A fault of the running task: its handler runs at once, or, blocked or ignored, the default action
// ends the program (signal(7)).
void force_signal(const SignalInformation& information);

// Takes the next deliverable signal of the running task: false when there is none, and then
// kWorkSignal has been taken back. `action` is a copy of its action (SA_RESETHAND already applied).
// Default actions are carried out in here: it does not return when one ends the program, when the
// process is ending, or when the task must end.
bool take_signal(SignalInformation& information, SignalAction& action);

// Changes the running task's blocked signals and notices what can be delivered now. SIGKILL and
// SIGSTOP are left out.
void set_blocked(SignalMask blocked);
// True when a signal that is not blocked and not ignored waits for the running task, or the task
// must end. When false, kWorkSignal has been taken back: a wait that ended for nothing goes on.
// Stops the task, until SIGCONT, when that is what waits for it: without locks.
bool signal_deliverable();

// rt_sigsuspend, ppoll, pselect6, epoll_pwait: other signals are blocked during a wait. The calls
// end it with end_temporary_blocked(true) when they return EINTR, so that the handler still runs
// with the mask of the wait and the frame gets the one from before; otherwise with false.
void set_temporary_blocked(SignalMask blocked);
void end_temporary_blocked(bool interrupted);
// The mask that rt_sigreturn puts back after the handler that take_signal has just chosen. Asked
// once for each frame, before set_blocked for the handler.
SignalMask blocked_before_handler();

// A task begins and ends: until attach_signals it gets none, after detach_signals its own pending
// signals are gone and others take what was meant for the process.
void attach_signals(Task& task);
void detach_signals(Task& task);
// Drops what is pending for a process that has no tasks any more.
void discard_signals(Process& process);
// execve: caught signals get the default action, the alternate stack goes.
void reset_signals_for_exec(Task& task);

// Tells a parent that a child ended, stopped or continued: `code` is a CLD_ code, `status` an exit
// code or a signal, `signal` what the child was made to send (0: nothing). True when the parent
// does not want to wait for it (SIGCHLD ignored or SA_NOCLDWAIT), so that it leaves no zombie.
bool notify_parent(Process& parent, unsigned signal, std::uint32_t child, std::uint32_t user,
                   int code, int status);

// Takes a pending signal of `wanted` from the running task or its process: for signalfd and
// rt_sigtimedwait. False when there is none. Process::signal_arrivals tells of new ones.
bool dequeue_signal(SignalMask wanted, SignalInformation& information);
// What waits for the running task and its process, blocked or not.
SignalMask pending_signals();
// "SIGSEGV"; "SIGRTMIN+2" and the like share "SIGRT".
const char* signal_name(unsigned signal);

}  // namespace plumbline::linux_abi
