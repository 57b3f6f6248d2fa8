// The two ways a guest ends.
#pragma once

#include "core/exit_code.hh"

namespace plumbline {

// Prints the reason, the registers and a symbolised backtrace on the serial port, stops the other
// CPUs and ends the guest with ExitCode::kPanic. Safe to call anywhere, also in interrupt handlers
// and before memory is set up.
[[noreturn]] [[gnu::format(printf, 1, 2)]] void panic(const char* format, ...);

struct TrapFrame;

// The same for a fault: the registers and the backtrace are those of `frame`.
[[noreturn]] [[gnu::format(printf, 2, 3)]] void panic_at(const TrapFrame& frame, const char* format,
                                                         ...);

// The same for a guest that makes no progress: ExitCode::kStuck.
[[noreturn]] [[gnu::format(printf, 1, 2)]] void panic_stuck(const char* format, ...);

// Drains the log and ends the guest.
[[noreturn]] void power_off(ExitCode code);

}  // namespace plumbline
