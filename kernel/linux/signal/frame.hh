// Handlers: a frame on the program's stack saves what was interrupted, rt_sigreturn puts it back.
#pragma once

#include "arch/x86_64/application.hh"
#include "core/result.hh"
#include "linux/signal/signal_state.hh"

namespace plumbline::linux_abi {

// Makes the program, whose registers are given, run the handler of `action`: on its stack or the
// alternate one, with the handler's signals blocked. kEFAULT: there is no room, or no restorer; the
// registers are as before.
Status enter_handler(ApplicationRegisters& registers, const SignalInformation& information,
                     const SignalAction& action);

// Puts back what the frame above the stack pointer holds. kEFAULT: it holds nothing sensible.
Status leave_handler(ApplicationRegisters& registers);

}  // namespace plumbline::linux_abi
