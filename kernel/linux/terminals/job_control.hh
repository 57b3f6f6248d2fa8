// What the rest of the kernel asks of job control (POSIX General Terminal Interface).
#pragma once

namespace plumbline::linux_abi {

class Process;

// The end of a session's leader takes the terminal from the session. Called by the last task of a
// process that ends, before it is a zombie.
void end_session_of(const Process& process);

// Whether nobody is left who could continue the process's group: such a group is not stopped by
// the terminal's signals.
bool group_is_orphaned(const Process& process);

}  // namespace plumbline::linux_abi
