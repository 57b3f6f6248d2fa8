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

// Takes the next deliverable signal of the running task: false when there is none. `action` is a
// copy of its action (SA_RESETHAND already applied). Default actions are carried out in here: it
// does not return when one ends the program.
bool take_signal(SignalInformation& information, SignalAction& action);

// Changes the running task's blocked signals and notices what can be delivered now. SIGKILL and
// SIGSTOP are left out.
void set_blocked(SignalMask blocked);
// True when a signal that is not blocked and not ignored waits for the running task.
bool signal_deliverable();

}  // namespace plumbline::linux_abi
