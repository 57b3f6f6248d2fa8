// The end of a session's leader takes the terminal from the session.
#pragma once

namespace plumbline::linux_abi {

class Process;

// Called by the last task of a process that ends, before it is a zombie.
void end_session_of(const Process& process);

}  // namespace plumbline::linux_abi
