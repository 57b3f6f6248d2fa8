// The log's inner side, for the idle loop and for panics.
#pragma once

namespace plumbline {

// Writes one block to the sink; true when there may be more. The caller is not preempted meanwhile.
bool log_drain_block();
// Whether anything waits to be drained; may be out of date.
bool log_has_text();
// Writes everything to the serial port without taking locks; the other CPUs are stopped.
void log_panic_flush();

}  // namespace plumbline
