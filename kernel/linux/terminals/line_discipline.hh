// What lies between the ends of a pseudo-terminal: lines that are edited, echo, characters that are
// signals, output with returns added (termios(3)). Portable, without locks: the terminal has one.
#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <span>

#include "linux/terminals/byte_ring.hh"
#include "linux/terminals/output_processing.hh"
#include "linux/terminals/settings.hh"

namespace plumbline::linux_abi {

class LineDiscipline {
 public:
  // As on Linux: a line has at most kInputBytes with its end; what is typed beyond that replaces
  // the last character.
  static constexpr std::size_t kInputBytes = 4096;

  const TerminalSettings& settings() const { return settings_; }
  // Input that is there becomes a line, or its lines become bytes.
  void change(const TerminalSettings& settings);

  // The master's side. False: what is there must be read first.
  bool takes_input() const;
  // One typed byte; takes_input() was true. Returns the signal that it is, or 0. Input that comes
  // before a signal is gone, unless the settings keep it.
  unsigned receive(std::uint8_t byte);
  // After a batch of bytes: their echo goes out. A signal among them takes back that of what came
  // before it, as on Linux.
  void show_echo();
  std::size_t output_available() const { return output_.used(); }
  std::size_t take_output(std::span<std::uint8_t> to) { return output_.take(to); }
  void clear_output() { output_.clear(); }

  // The program's side: writes up to kMostWritten bytes, for which there is room when
  // takes_output().
  static constexpr std::size_t kMostWritten = 256;
  void write(std::span<const std::uint8_t> bytes);
  // A byte that goes out although output may be stopped (tcflow(3)).
  void send(std::uint8_t byte) { output_.push(byte); }
  bool takes_output() const { return !stopped_ && output_.room() > kEchoReserve; }
  // A line, or `minimum` bytes.
  bool has_input(std::size_t minimum = 1) const;
  // What FIONREAD tells.
  std::size_t input_available() const;
  struct Piece {
    std::size_t length;
    bool line_ended;  // the read is over, whatever its length
  };
  Piece read(std::span<std::uint8_t> to);
  void clear_input();

  // Output is held back: by the stop character, or by tcflow(3), which only tcflow takes back.
  void stop(bool by_call);
  void start(bool by_call);

 private:
  // A tab or a return with its newline are several bytes; the echo of what is typed must find room
  // when the program has filled its part.
  static constexpr std::size_t kOutputBytes = 16384, kEchoReserve = 4096;

  bool has(std::uint32_t local) const { return (settings_.local & local) != 0; }
  bool is(std::uint8_t byte, ControlCharacter which) const {
    const std::uint8_t character = settings_.characters[which];
    return character != kDisabled && byte == character;
  }
  std::uint8_t at(std::size_t place) const { return input_[place % kInputBytes]; }
  bool is_continuation(std::uint8_t byte) const {
    return (settings_.input & kUtf8) != 0 && (byte & 0xc0) == 0x80;
  }
  void put(std::uint8_t byte);
  void end_line(std::uint8_t byte);
  unsigned signal_of(std::uint8_t byte) const;
  unsigned receive_signal(std::uint8_t byte, unsigned signal);
  bool receive_flow(std::uint8_t byte);
  // In canonical mode: true when the byte is no plain one and has been dealt with.
  bool receive_editing(std::uint8_t byte);
  void receive_plain(std::uint8_t byte, bool literal);

  // line_editing.cc
  void erase(std::uint8_t byte);
  void erase_line();
  std::size_t last_character() const;
  bool erase_last();
  void echo_erased(std::uint8_t byte);
  void echo_erased_tab();
  void reprint(std::uint8_t byte);
  void echo(std::uint8_t byte);
  void echo_plainly(std::uint8_t byte);
  void emit_echo(std::uint8_t byte);

  TerminalSettings settings_;
  // Positions grow for ever. Lines that are finished end at line_end_; ends_ marks their last
  // bytes.
  std::array<std::uint8_t, kInputBytes> input_;
  std::bitset<kInputBytes> ends_;
  std::size_t begin_ = 0, end_ = 0, line_end_ = 0;
  bool literal_next_ = false;
  bool stopped_ = false, stopped_by_call_ = false;
  OutputProcessing processing_;
  unsigned line_column_ = 0;  // where the line being typed began
  ByteRing<kOutputBytes> output_;
  // Echo that waits for the batch's end, or for output to go on; what does not fit is lost.
  ByteRing<4096> held_echo_;
};

}  // namespace plumbline::linux_abi
