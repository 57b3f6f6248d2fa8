// Sending for a program, with the checks of kill(2).
#pragma once

#include <cstdint>

#include "core/result.hh"

namespace plumbline::linux_abi {

class Process;

// As kill, or, with the siginfo_t at `address`, as rt_sigqueueinfo (address 0: without). kESRCH:
// the process has ended and was waited for.
Status send_to_process(Process& process, int signal, std::uint64_t address);

}  // namespace plumbline::linux_abi
