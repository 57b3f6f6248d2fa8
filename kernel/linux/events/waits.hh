// What poll, select and epoll_wait have in common: timeouts, and masks of signals during the wait.
#pragma once

#include <cstdint>

#include "core/clock.hh"
#include "core/result.hh"
#include "linux/signal/signals.hh"
#include "linux/time/timespec.hh"
#include "memory/application_memory.hh"

namespace plumbline::linux_abi {

// A timeout in milliseconds; negative: none.
inline Deadline deadline_from_milliseconds(int timeout) {
  if (timeout < 0) return Deadline::never();
  // Without a look at the clock: it has passed already.
  if (timeout == 0) return Deadline{};
  return Deadline::after(milliseconds(static_cast<std::uint64_t>(timeout)));
}

inline Deadline deadline_after(Nanoseconds span) {
  return span.count == 0 ? Deadline{} : Deadline::after(span);
}

// From a timespec of the program; no address: none. kEFAULT, kEINVAL.
inline Result<Deadline> load_deadline(std::uint64_t address) {
  if (address == 0) return Deadline::never();
  const Result<TimeSpec> time = load_application<TimeSpec>(address);
  if (!time) return time.error();
  const Result<Nanoseconds> span = from_timespec(*time);
  if (!span) return span.error();
  return deadline_after(*span);
}

// Linux tells the program how much of a timeout (at `address`, if any) is left, where it can be
// written. `convert` makes the program's structure of it.
template <typename Convert>
void store_time_left(std::uint64_t address, Deadline deadline, Convert convert) {
  if (address == 0 || deadline.at.count == 0) return;
  const Nanoseconds now = monotonic_now();
  const Nanoseconds left = deadline.at > now ? deadline.at - now : Nanoseconds{};
  static_cast<void>(store_application(address, convert(left)));
}
inline void store_time_left(std::uint64_t address, Deadline deadline) {
  store_time_left(address, deadline, to_timespec);
}

// Makes a wait again that ended for a signal which is not the running task's any more. A wait that
// really was interrupted is never made again: kEINTR.
template <typename Wait>
auto wait_uninterrupted(Wait wait) {
  for (;;) {
    auto result = wait();
    if (result || result.error() != Errno::kRestart) return result;
    if (signal_deliverable()) return decltype(result)(Errno::kEINTR);
  }
}

// The same with the signals of a program's mask blocked during the wait (no address: as they are).
// kEINVAL: a wrong size; kEFAULT.
template <typename Wait>
auto wait_with_mask(std::uint64_t mask_address, std::uint64_t size, Wait wait) -> decltype(wait()) {
  if (mask_address == 0) return wait_uninterrupted(wait);
  if (size != sizeof(SignalMask)) return Errno::kEINVAL;
  const Result<SignalMask> mask = load_application<SignalMask>(mask_address);
  if (!mask) return mask.error();
  set_temporary_blocked(*mask);
  auto result = wait_uninterrupted(wait);
  end_temporary_blocked(!result && result.error() == Errno::kEINTR);
  return result;
}

}  // namespace plumbline::linux_abi
