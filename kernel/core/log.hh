// The log: formatted lines into a ring in memory, drained in blocks by sinks. Writing never exits
// to the VMM.
#pragma once

#include <cstddef>
#include <span>

namespace plumbline {

// printf-like: %d %u %i %x %X %o %c %s %p %%, width, precision, flags 0 - + #, length l ll z h hh,
// and %.*s.
[[gnu::format(printf, 1, 2)]] void log_debug(const char* format, ...);
[[gnu::format(printf, 1, 2)]] void log_info(const char* format, ...);
[[gnu::format(printf, 1, 2)]] void log_warning(const char* format, ...);
[[gnu::format(printf, 1, 2)]] void log_error(const char* format, ...);

// Text without a line's time and level, for consoles and test results.
[[gnu::format(printf, 1, 2)]] void log_raw(const char* format, ...);

// Writes a block of text to a device. Called from one CPU at a time, outside of interrupt handlers.
using LogSink = void (*)(std::span<const char> text);

// From now on the log drains to `sink`, starting with everything that the ring still holds. It
// replaces the serial port.
void log_attach_sink(LogSink sink);

// Drains the ring to the sink if there is something to drain. The idle thread calls it; so does
// power_off.
void log_flush();

}  // namespace plumbline
