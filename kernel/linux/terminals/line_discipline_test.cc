#include "linux/terminals/line_discipline.hh"

#include <doctest/doctest.h>

#include <memory>
#include <random>
#include <string>
#include <string_view>

using namespace plumbline::linux_abi;

namespace {

struct Keyboard {
  std::unique_ptr<LineDiscipline> line = std::make_unique<LineDiscipline>();

  unsigned type(std::string_view text) {
    unsigned signal = 0;
    for (const char c : text) {
      REQUIRE(line->takes_input());
      if (const unsigned now = line->receive(static_cast<std::uint8_t>(c)); now != 0) signal = now;
    }
    line->show_echo();
    return signal;
  }
  std::string read(std::size_t most = 5000) {
    std::string text(most, '\0');
    text.resize(line->read({reinterpret_cast<std::uint8_t*>(text.data()), most}).length);
    return text;
  }
  std::string screen() {
    std::string text(16384, '\0');
    text.resize(line->take_output({reinterpret_cast<std::uint8_t*>(text.data()), text.size()}));
    return text;
  }
  void write(std::string_view text) {
    line->write({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  }
  void local(std::uint32_t off, std::uint32_t on) {
    TerminalSettings settings = line->settings();
    settings.local = (settings.local & ~off) | on;
    line->change(settings);
  }
};

}  // namespace

TEST_CASE("lines are read one by one, their echo has returns") {
  Keyboard keyboard;
  keyboard.type("half");
  CHECK_FALSE(keyboard.line->has_input());
  keyboard.type(" one\rtwo\n");
  CHECK(keyboard.line->input_available() == 13);
  CHECK(keyboard.read(4) == "half");
  CHECK(keyboard.read() == " one\n");
  CHECK(keyboard.read() == "two\n");
  CHECK(keyboard.screen() == "half one\r\ntwo\r\n");
}

TEST_CASE("an end of file is read as nothing, and goes with a buffer that the line fills") {
  Keyboard keyboard;
  keyboard.type("\004abc\004next\n");
  CHECK(keyboard.line->has_input());
  CHECK(keyboard.read().empty());
  CHECK(keyboard.read(3) == "abc");
  CHECK(keyboard.read() == "next\n");
}

TEST_CASE("characters, words and lines are erased, on the screen too") {
  Keyboard keyboard;
  keyboard.type("ab\177c two  \027\003");
  CHECK_FALSE(keyboard.line->has_input());
  keyboard.screen();
  keyboard.type("abd\177c\n");
  CHECK(keyboard.read() == "abc\n");
  CHECK(keyboard.screen() == "abd\b \bc\r\n");
  keyboard.type("a\t\001\177\177b\n");
  CHECK(keyboard.read() == "ab\n");
  CHECK(keyboard.screen() == "a\t^A\b \b\b \b\b\b\b\b\b\b\bb\r\n");
  keyboard.type("gone\025here\n");
  CHECK(keyboard.read() == "here\n");
}

TEST_CASE("signals take the input and its echo along unless they shall not") {
  Keyboard keyboard;
  CHECK(keyboard.type("x\003") == 2);
  CHECK(keyboard.screen() == "^C");
  CHECK(keyboard.type("\034") == 3);
  CHECK(keyboard.type("\032") == 20);
  keyboard.screen();
  keyboard.local(0, kNoFlush);
  CHECK(keyboard.type("x\003\n") == 2);
  CHECK(keyboard.read() == "x\n");
  keyboard.local(kMakeSignals, 0);
  CHECK(keyboard.type("\003\n") == 0);
  CHECK(keyboard.read() == "\003\n");
}

TEST_CASE("a line without an end in sight keeps its last place for the end") {
  Keyboard keyboard;
  keyboard.type(std::string(10'000, 'x') + "\n");
  CHECK(keyboard.read() == std::string(4095, 'x') + "\n");
  keyboard.local(kCanonical, 0);
  for (int i = 0; i < 4095; ++i) keyboard.type("y");
  CHECK_FALSE(keyboard.line->takes_input());
}

TEST_CASE("lines become bytes and bytes a line") {
  Keyboard keyboard;
  keyboard.type("one\ntwo");
  keyboard.local(kCanonical, 0);
  CHECK(keyboard.line->input_available() == 7);
  CHECK(keyboard.read(5) == "one\nt");
  keyboard.local(0, kCanonical);
  CHECK(keyboard.line->has_input());
  CHECK(keyboard.read() == "wo");
}

TEST_CASE("output stops and goes on, echo with it") {
  Keyboard keyboard;
  keyboard.type("\023abc");
  CHECK_FALSE(keyboard.line->takes_output());
  CHECK(keyboard.screen().empty());
  keyboard.type("\021");
  CHECK(keyboard.screen() == "abc");
  keyboard.line->stop(true);
  keyboard.type("\021");
  CHECK_FALSE(keyboard.line->takes_output());
  keyboard.line->start(true);
  CHECK(keyboard.line->takes_output());
}

TEST_CASE("output fills up without losing a byte, and leaves room for echo") {
  Keyboard keyboard;
  std::size_t written = 0;
  while (keyboard.line->takes_output()) {
    keyboard.write(std::string(LineDiscipline::kMostWritten, '\n'));
    written += LineDiscipline::kMostWritten;
  }
  keyboard.type("echo");
  const std::string screen = keyboard.screen();
  CHECK(screen.size() == 2 * written + 4);
  CHECK(screen.ends_with("\r\necho"));
}

TEST_CASE("any bytes under any settings: never more than there is room for") {
  std::mt19937 random(7);
  Keyboard keyboard;
  for (int i = 0; i < 300'000; ++i) {
    if (i % 1000 == 0) {
      TerminalSettings settings;
      settings.input = random() & 0x7fff;
      settings.output = random() & 0x1fff;
      settings.local = random() & 0xffff;
      keyboard.line->change(accepted_settings(settings));
    }
    if (keyboard.line->takes_input()) keyboard.line->receive(static_cast<std::uint8_t>(random()));
    if (random() % 64 == 0) keyboard.line->show_echo();
    if (random() % 512 == 0) CHECK(keyboard.read().size() <= LineDiscipline::kInputBytes);
    if (keyboard.line->takes_output() && random() % 16 == 0) keyboard.write("\ta\r\n");
    if (random() % 4096 == 0) keyboard.screen();
  }
}
