// What the slave writes and the master reads.
#include <algorithm>
#include <array>

#include "linux/terminals/terminal.hh"
#include "sync/lock_guard.hh"

namespace plumbline::linux_abi {

// With the lock: takes what there is room for.
std::size_t Terminal::take_written(IoCursor& from) {
  std::size_t done = 0;
  while (discipline_.takes_output() && from.remaining() != 0 && !from.faulted()) {
    std::array<std::uint8_t, LineDiscipline::kMostWritten> bytes;
    const std::size_t length = from.take(
        std::as_writable_bytes(std::span(bytes).first(std::min(bytes.size(), from.remaining()))));
    discipline_.write(std::span(bytes).first(length));
    done += length;
  }
  return done;
}

Result<std::size_t> Terminal::write_all(const User& user, IoCursor& from,
                                        std::size_t (Terminal::*take)(IoCursor&)) {
  std::size_t total = 0;
  for (;;) {
    if (hung_up(user)) return total != 0 ? Result<std::size_t>(total) : Errno::kEIO;
    std::uint32_t seen;
    std::size_t done;
    {
      const LockGuard guard(lock_);
      seen = changes();
      done = (this->*take)(from);
    }
    total += done;
    if (done != 0) changed();
    if (from.remaining() == 0) return total;
    if (from.faulted()) return total != 0 ? Result<std::size_t>(total) : Errno::kEFAULT;
    if (done != 0) continue;
    Status waited = Errno::kEAGAIN;
    if (!user.nonblocking) waited = wait_for_change(seen, Deadline::never());
    if (!waited) return total != 0 ? Result<std::size_t>(total) : waited.error();
  }
}

Result<std::size_t> Terminal::write_slave(const User& user, IoCursor& from) {
  bool stops_background;
  {
    const LockGuard guard(lock_);
    stops_background = (discipline_.settings().local & kStopBackground) != 0;
  }
  if (stops_background) {
    if (const Status status = check_background(user, kBackgroundWriteSignal); !status)
      return status.error();
  }
  return write_all(user, from, &Terminal::take_written);
}

Result<std::size_t> Terminal::read_master(const User& user, IoCursor& to) {
  if (to.remaining() == 0) return std::size_t{0};
  for (;;) {
    std::uint32_t seen;
    std::size_t done = 0;
    bool closed;
    {
      const LockGuard guard(lock_);
      seen = changes();
      closed = slave_closed_;
      while (discipline_.output_available() != 0 && to.remaining() != 0 && !to.faulted()) {
        std::array<std::uint8_t, 256> bytes;
        const std::size_t length =
            discipline_.take_output(std::span(bytes).first(std::min(bytes.size(), to.remaining())));
        done += to.put(std::as_bytes(std::span(bytes).first(length)));
      }
    }
    if (done != 0) {
      changed();
      return done;
    }
    if (to.faulted()) return Errno::kEFAULT;
    if (closed) return Errno::kEIO;
    if (user.nonblocking) return Errno::kEAGAIN;
    if (const Status waited = wait_for_change(seen, Deadline::never()); !waited)
      return waited.error();
  }
}

Result<std::size_t> Terminal::write(const User& user, IoCursor& from) {
  return user.end == TerminalEnd::kMaster ? write_master(user, from) : write_slave(user, from);
}

}  // namespace plumbline::linux_abi
