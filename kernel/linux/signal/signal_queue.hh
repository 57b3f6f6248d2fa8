// Pending signals as a data structure: what is queued, what comes next. Portable; the caller locks.
#pragma once

#include "core/result.hh"
#include "linux/signal/signal_state.hh"

namespace plumbline::linux_abi {

// Adds a signal. One below 32 that waits already is not queued again. kEAGAIN: `most` signals
// that somebody sent with information wait already, or memory is short; a signal without a value
// of its own then waits all the same, only without telling from whom it came.
Status queue_signal(PendingSignals& pending, const SignalInformation& information,
                    std::uint64_t most);
// Adds a timer's own entry, which cannot fail. The entry must not be queued.
void queue_timer_signal(PendingSignals& pending, QueuedSignal& entry);

// The signal of `mask` that is delivered next: synchronous ones first, then the lowest number; 0
// when there is none.
unsigned next_signal(SignalMask mask);

// Takes the oldest entry of `signal`, which is pending. Returns the timer to start again, or null.
PosixTimer* take_queued(PendingSignals& pending, unsigned signal, SignalInformation& information);

// Takes back a timer's entry, which is queued here.
void recall_queued(PendingSignals& pending, QueuedSignal& entry);

// Removes all signals of `mask`.
void flush_signals(PendingSignals& pending, SignalMask mask);

// Signals queued with information in the whole system, for tests.
std::uint64_t queued_signals();

}  // namespace plumbline::linux_abi
