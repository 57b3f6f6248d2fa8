// What the master writes and the slave reads.
#include <algorithm>
#include <array>

#include "linux/terminals/terminal.hh"
#include "sync/lock_guard.hh"

namespace plumbline::linux_abi {

void Terminal::digest() {
  while (typed_.used() != 0 && discipline_.takes_input()) {
    if (const unsigned signal = discipline_.receive(typed_.pop()); signal != 0)
      signal_group(foreground_, signal);
  }
  discipline_.show_echo();
}

// With the lock: takes what there is room for.
std::size_t Terminal::take_typed(IoCursor& from) {
  std::size_t done = 0;
  while (typed_.room() != 0 && from.remaining() != 0 && !from.faulted()) {
    std::array<std::uint8_t, 256> bytes;
    const std::size_t length = from.take(std::as_writable_bytes(
        std::span(bytes).first(std::min({bytes.size(), typed_.room(), from.remaining()}))));
    for (std::size_t i = 0; i < length; ++i) typed_.push(bytes[i]);
    done += length;
    digest();
  }
  return done;
}

Result<std::size_t> Terminal::write_master(const User& user, IoCursor& from) {
  return write_all(user, from, &Terminal::take_typed);
}

// With the lock: what is there now, up to a line's end.
std::size_t Terminal::give_input(IoCursor& to, bool& line_ended) {
  std::size_t done = 0;
  // A buffer that a line has just filled takes the end of file behind it, too.
  while (!line_ended && !to.faulted() && discipline_.has_input() && to.remaining() != 0) {
    std::array<std::uint8_t, 256> bytes;
    const LineDiscipline::Piece piece =
        discipline_.read(std::span(bytes).first(std::min(bytes.size(), to.remaining())));
    done += to.put(std::as_bytes(std::span(bytes).first(piece.length)));
    line_ended = piece.line_ended;
  }
  digest();
  return done;
}

Result<std::size_t> Terminal::read_slave(const User& user, IoCursor& to) {
  if (const Status status = check_background(user, kBackgroundReadSignal); !status)
    return status.error();
  if (to.remaining() == 0) return std::size_t{0};
  std::size_t total = 0;
  Deadline deadline = Deadline::never();
  bool first = true, time_out = false;
  for (;;) {
    if (hung_up(user)) return total;
    std::uint32_t seen;
    std::size_t done, minimum = 1;
    bool line_ended = false, canonical;
    Nanoseconds between{};
    {
      const LockGuard guard(lock_);
      seen = changes();
      const TerminalSettings& settings = discipline_.settings();
      canonical = (settings.local & kCanonical) != 0;
      if (!canonical) {
        // termios(3), "Canonical and noncanonical mode": MIN and TIME, which is in tenths of a
        // second.
        between = milliseconds(100 * std::uint64_t{settings.characters[kTime]});
        minimum = settings.characters[kMinimum];
        if (minimum == 0) {
          if (first) deadline = Deadline::after(between);
          time_out = true;
          minimum = 1;
        }
        first = false;
      }
      const bool had_input = discipline_.has_input();
      done = give_input(to, line_ended);
      if (canonical && had_input) line_ended = true;
    }
    total += done;
    if (done != 0 || line_ended) changed();
    if (to.faulted()) return total != 0 ? Result<std::size_t>(total) : Errno::kEFAULT;
    if (line_ended || total >= minimum || to.remaining() == 0) return total;
    if (done != 0 && between.count != 0 && !time_out) deadline = Deadline::after(between);
    Status waited = Errno::kETIMEDOUT;
    const bool no_time = time_out && between.count == 0;
    if (!no_time)
      waited = user.nonblocking ? Status(Errno::kEAGAIN) : wait_for_change(seen, deadline);
    if (waited) continue;
    if (waited.error() == Errno::kETIMEDOUT || total != 0) return total;
    return waited.error();
  }
}

Result<std::size_t> Terminal::read(const User& user, IoCursor& to) {
  return user.end == TerminalEnd::kMaster ? read_master(user, to) : read_slave(user, to);
}

}  // namespace plumbline::linux_abi
