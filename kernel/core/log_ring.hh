// The log's inner side, for the idle loop and for panics.
#pragma once

#include "core/clock.hh"

namespace plumbline {

// Writes one block to the sink; true when there may be more. The caller is not preempted meanwhile.
bool log_drain_block();
// Whether anything waits to be drained; may be out of date.
bool log_has_text();
// When the idle loop may drain: at once to an attached sink, after a pause to the serial port.
Deadline log_drain_time();
// Writes everything to the serial port without taking locks; the other CPUs are stopped.
void log_panic_flush();

}  // namespace plumbline
