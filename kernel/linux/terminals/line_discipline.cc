#include "linux/terminals/line_discipline.hh"

#include <algorithm>

namespace plumbline::linux_abi {
namespace {

// By the number that Linux gives them; linux/signal is not portable.
constexpr unsigned kSignalInterrupt = 2, kSignalQuit = 3, kSignalStop = 20;

}  // namespace

void LineDiscipline::change(const TerminalSettings& settings) {
  const TerminalSettings old = settings_;
  settings_ = settings;
  if (((old.local ^ settings.local) & kCanonical) != 0) {
    ends_.reset();
    literal_next_ = false;
    const bool waiting = end_ != begin_;
    if (has(kCanonical) && waiting) {
      ends_.set((end_ - 1) % kInputBytes);
      line_end_ = end_;
    } else {
      line_end_ = begin_;
    }
  }
  // Nobody could type the start character any more.
  if ((old.input & kFlowControl) != 0 && (settings.input & kFlowControl) == 0) start(false);
}

bool LineDiscipline::takes_input() const {
  // While no line is finished everything goes in: its end must be able to.
  return end_ - begin_ + 1 < kInputBytes || (has(kCanonical) && line_end_ == begin_);
}

void LineDiscipline::put(std::uint8_t byte) {
  if (end_ - begin_ == kInputBytes) --end_;
  input_[end_++ % kInputBytes] = byte;
}

void LineDiscipline::end_line(std::uint8_t byte) {
  put(byte);
  ends_.set((end_ - 1) % kInputBytes);
  line_end_ = end_;
}

unsigned LineDiscipline::signal_of(std::uint8_t byte) const {
  if (!has(kMakeSignals)) return 0;
  if (is(byte, kInterrupt)) return kSignalInterrupt;
  if (is(byte, kQuit)) return kSignalQuit;
  if (is(byte, kSuspend)) return kSignalStop;
  return 0;
}

unsigned LineDiscipline::receive_signal(std::uint8_t byte, unsigned signal) {
  if (!has(kNoFlush)) {
    clear_input();
    held_echo_.clear();
  }
  if ((settings_.input & kFlowControl) != 0) start(false);
  if (has(kEcho)) echo(byte);
  return signal;
}

bool LineDiscipline::receive_flow(std::uint8_t byte) {
  if ((settings_.input & kFlowControl) == 0) return false;
  if (is(byte, kStart)) {
    start(false);
    return true;
  }
  if (is(byte, kStop)) {
    stop(false);
    return true;
  }
  return false;
}

unsigned LineDiscipline::receive(std::uint8_t byte) {
  if ((settings_.input & kStrip) != 0) byte &= 0x7f;
  if ((settings_.input & kToLowerCase) != 0 && has(kExtended) && byte >= 'A' && byte <= 'Z')
    byte = static_cast<std::uint8_t>(byte - 'A' + 'a');
  if (literal_next_) {
    literal_next_ = false;
    receive_plain(byte, true);
    return 0;
  }
  if (receive_flow(byte)) return 0;
  if (const unsigned signal = signal_of(byte); signal != 0) return receive_signal(byte, signal);
  if (stopped_ && (settings_.input & kFlowControl) != 0 && (settings_.input & kAnyStarts) != 0)
    start(false);
  if (byte == '\r') {
    if ((settings_.input & kIgnoreReturn) != 0) return 0;
    if ((settings_.input & kReturnToNewline) != 0) byte = '\n';
  } else if (byte == '\n' && (settings_.input & kNewlineToReturn) != 0) {
    byte = '\r';
  }
  if (!has(kCanonical) || !receive_editing(byte)) receive_plain(byte, false);
  return 0;
}

bool LineDiscipline::receive_editing(std::uint8_t byte) {
  if (is(byte, kErase) || is(byte, kKill) || (is(byte, kWordErase) && has(kExtended))) {
    erase(byte);
    return true;
  }
  if (is(byte, kLiteralNext) && has(kExtended)) {
    literal_next_ = true;
    if (has(kEcho) && has(kEchoControl)) {
      // The next character is shown in place of the caret.
      echo_plainly('^');
      echo_plainly('\b');
    }
    return true;
  }
  if (is(byte, kReprint) && has(kEcho) && has(kExtended)) {
    reprint(byte);
    return true;
  }
  if (byte == '\n') {
    if (has(kEcho) || has(kEchoNewline)) echo_plainly('\n');
    end_line(byte);
    return true;
  }
  if (is(byte, kEndOfFile)) {
    end_line(kDisabled);
    return true;
  }
  if (is(byte, kEndOfLine) || (is(byte, kEndOfLine2) && has(kExtended))) {
    if (has(kEcho)) {
      if (line_end_ == end_) line_column_ = processing_.column();
      echo(byte);
    }
    end_line(byte);
    return true;
  }
  return false;
}

void LineDiscipline::receive_plain(std::uint8_t byte, bool literal) {
  if (has(kEcho)) {
    if (line_end_ == end_) line_column_ = processing_.column();
    if (byte == '\n' && !literal) {
      echo_plainly(byte);
    } else {
      echo(byte);
    }
  }
  // Tells it from the mark of a parity error, which never comes.
  if ((settings_.input & kMarkParity) != 0 && byte == 0xff) put(byte);
  put(byte);
}

void LineDiscipline::write(std::span<const std::uint8_t> bytes) {
  // Tabs become eight bytes; half of the reserve is still there for echo.
  static_assert(8 * kMostWritten <= kEchoReserve / 2);
  for (const std::uint8_t byte : bytes) {
    for (const std::uint8_t processed : processing_.process(byte, settings_))
      output_.push(processed);
  }
}

bool LineDiscipline::has_input(std::size_t minimum) const {
  if (has(kCanonical)) return line_end_ != begin_;
  return end_ - begin_ >= std::max<std::size_t>(minimum, 1);
}

std::size_t LineDiscipline::input_available() const {
  if (!has(kCanonical)) return end_ - begin_;
  std::size_t count = 0;
  for (std::size_t i = begin_; i != line_end_; ++i) {
    // Ends of file are not read.
    if (!ends_.test(i % kInputBytes) || at(i) != kDisabled) ++count;
  }
  return count;
}

LineDiscipline::Piece LineDiscipline::read(std::span<std::uint8_t> to) {
  Piece piece{0, false};
  if (!has(kCanonical)) {
    while (piece.length < to.size() && begin_ != end_) to[piece.length++] = at(begin_++);
    line_end_ = begin_;
    return piece;
  }
  while (begin_ != line_end_ && !piece.line_ended) {
    const std::size_t place = begin_ % kInputBytes;
    const bool ends = ends_.test(place), end_of_file = ends && input_[place] == kDisabled;
    // An end of file behind a line that fills the buffer goes with it: it would be another one.
    if (!end_of_file && piece.length == to.size()) break;
    if (!end_of_file) to[piece.length++] = input_[place];
    ends_.reset(place);
    ++begin_;
    piece.line_ended = ends;
  }
  return piece;
}

void LineDiscipline::clear_input() {
  begin_ = end_ = line_end_ = 0;
  ends_.reset();
  literal_next_ = false;
}

void LineDiscipline::stop(bool by_call) {
  stopped_ = true;
  stopped_by_call_ = stopped_by_call_ || by_call;
}

void LineDiscipline::start(bool by_call) {
  if (stopped_by_call_ && !by_call) return;
  stopped_ = stopped_by_call_ = false;
  show_echo();
}

void LineDiscipline::show_echo() {
  if (stopped_) return;
  while (held_echo_.used() != 0 && output_.room() != 0) output_.push(held_echo_.pop());
}

}  // namespace plumbline::linux_abi
