// Erasing what has been typed, and what is shown of it.
#include "linux/terminals/line_discipline.hh"

namespace plumbline::linux_abi {
namespace {

// Letters of Latin-1 beyond ASCII as well, as on Linux; so are the first bytes of UTF-8.
constexpr bool is_word(std::uint8_t byte) {
  return byte == '_' || (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
         (byte >= 'A' && byte <= 'Z') || (byte >= 0xc0 && byte != 0xd7 && byte != 0xf7);
}

}  // namespace

void LineDiscipline::emit_echo(std::uint8_t byte) {
  constexpr std::size_t kMuch = 256;
  held_echo_.push(byte);
  if (held_echo_.used() >= kMuch) show_echo();
}

void LineDiscipline::echo_plainly(std::uint8_t byte) {
  for (const std::uint8_t processed : processing_.process(byte, settings_)) emit_echo(processed);
}

void LineDiscipline::echo(std::uint8_t byte) {
  if (has(kEchoControl) && is_control(byte) && byte != '\t') {
    echo_plainly('^');
    byte ^= 0x40;
  }
  echo_plainly(byte);
}

// Where the last character begins, which may have several bytes; end_: it is not a whole one.
std::size_t LineDiscipline::last_character() const {
  std::size_t place = end_;
  do {
    --place;
  } while (is_continuation(at(place)) && place != line_end_);
  return is_continuation(at(place)) ? end_ : place;
}

bool LineDiscipline::erase_last() {
  const std::size_t place = last_character();
  if (place == end_) return false;
  end_ = place;
  return true;
}

void LineDiscipline::erase(std::uint8_t byte) {
  if (end_ == line_end_) return;
  if (is(byte, kErase)) {
    if (!erase_last() || !has(kEcho)) return;
    if (has(kEchoErase)) {
      echo_erased(at(end_));
    } else {
      echo(byte);
    }
    return;
  }
  if (!is(byte, kWordErase)) {
    erase_line();
    return;
  }
  bool in_word = false;
  while (end_ != line_end_) {
    const bool word = is_word(at(last_character()));
    if (in_word && !word) return;
    in_word = in_word || word;
    if (!erase_last()) return;
    if (has(kEcho)) echo_erased(at(end_));
  }
}

void LineDiscipline::erase_line() {
  if (has(kEcho) && has(kEchoKill) && has(kEchoKillErases) && has(kEchoErase)) {
    while (end_ != line_end_ && erase_last()) echo_erased(at(end_));
    return;
  }
  end_ = line_end_;
  if (!has(kEcho)) return;
  echo(settings_.characters[kKill]);
  if (has(kEchoKill)) echo_plainly('\n');
}

// `byte`, behind the end by now, is not to be seen any more.
void LineDiscipline::echo_erased(std::uint8_t byte) {
  if (byte == '\t') {
    echo_erased_tab();
    return;
  }
  const bool control = is_control(byte);
  if (control && !has(kEchoControl)) return;
  // A control character was shown with a caret.
  for (int i = 0; i < (control ? 2 : 1); ++i) {
    echo_plainly('\b');
    echo_plainly(' ');
    echo_plainly('\b');
  }
}

// Goes back to where the tab began: that depends on what has been typed before it.
void LineDiscipline::echo_erased_tab() {
  unsigned columns = 0;
  bool behind_tab = false;
  for (std::size_t place = end_; place != line_end_ && !behind_tab; --place) {
    const std::uint8_t byte = at(place - 1);
    if (byte == '\t') {
      behind_tab = true;
    } else if (is_control(byte)) {
      if (has(kEchoControl)) columns += 2;
    } else if (!is_continuation(byte)) {
      ++columns;
    }
  }
  if (!behind_tab) columns += line_column_;
  for (unsigned i = 8 - columns % 8; i != 0; --i) {
    emit_echo('\b');
    processing_.back();
  }
}

void LineDiscipline::reprint(std::uint8_t byte) {
  echo(byte);
  echo_plainly('\n');
  for (std::size_t place = line_end_; place != end_; ++place) echo(at(place));
}

}  // namespace plumbline::linux_abi
