// A terminal's settings as programs see them (termios(3); Linux,
// include/uapi/asm-generic/termbits.h).
#pragma once

#include <array>
#include <cstdint>

namespace plumbline::linux_abi {

// Bits of `input`.
inline constexpr std::uint32_t kMarkParity = 0x8, kStrip = 0x20, kNewlineToReturn = 0x40,
                               kIgnoreReturn = 0x80, kReturnToNewline = 0x100, kToLowerCase = 0x200,
                               kFlowControl = 0x400, kAnyStarts = 0x800, kUtf8 = 0x4000;
// Bits of `output`.
inline constexpr std::uint32_t kProcessOutput = 0x1, kToUpperCase = 0x2, kNewlineAddsReturn = 0x4,
                               kReturnBecomesNewline = 0x8, kNoReturnAtColumn0 = 0x10,
                               kNewlineReturns = 0x20, kTabMask = 0x1800, kExpandTabs = 0x1800;
// Bits of `local`.
inline constexpr std::uint32_t kMakeSignals = 0x1, kCanonical = 0x2, kEcho = 0x8, kEchoErase = 0x10,
                               kEchoKill = 0x20, kEchoNewline = 0x40, kNoFlush = 0x80,
                               kStopBackground = 0x100, kEchoControl = 0x200,
                               kEchoKillErases = 0x800, kExtended = 0x8000;
// Bits of `control`.
inline constexpr std::uint32_t kBaudMask = 0x100f, kBaudOther = 0x1000, kCharacterSize = 0x30,
                               kParityEnable = 0x100, kReceive = 0x80;

// Places in `characters`.
enum ControlCharacter : unsigned {
  kInterrupt = 0,
  kQuit = 1,
  kErase = 2,
  kKill = 3,
  kEndOfFile = 4,
  kTime = 5,
  kMinimum = 6,
  kStart = 8,
  kStop = 9,
  kSuspend = 10,
  kEndOfLine = 11,
  kReprint = 12,
  kWordErase = 14,
  kLiteralNext = 15,
  kEndOfLine2 = 16,
};
// A control character that is switched off.
inline constexpr std::uint8_t kDisabled = 0;

// struct termios2; struct termios is the same without the speeds.
struct TerminalSettings {
  // What a new pseudo-terminal has on Linux (`stty -a` on one).
  std::uint32_t input = kReturnToNewline | kFlowControl;
  std::uint32_t output = kProcessOutput | kNewlineAddsReturn;
  std::uint32_t control = 0xf | kCharacterSize | kReceive;  // 38,400 baud, 8 bits
  std::uint32_t local = kMakeSignals | kCanonical | kEcho | kEchoErase | kEchoKill | kEchoControl |
                        kEchoKillErases | kExtended;
  std::uint8_t line = 0;
  std::array<std::uint8_t, 19> characters = {3,  28, 127, 21, 4,  0,  1, 0, 17, 19,
                                             26, 0,  18,  15, 23, 22, 0, 0, 0};
  std::uint32_t input_speed = 38400, output_speed = 38400;
};
static_assert(sizeof(TerminalSettings) == 44);
inline constexpr std::size_t kSettingsWithoutSpeeds = 36;

// What becomes of settings that a program asks for: a pseudo-terminal has 8 bits and no parity, and
// the speeds agree with `control` unless that says they stand for themselves.
TerminalSettings accepted_settings(TerminalSettings wanted);

// struct winsize.
struct WindowSize {
  std::uint16_t rows = 0, columns = 0, width = 0, height = 0;
  bool operator==(const WindowSize&) const = default;
};
static_assert(sizeof(WindowSize) == 8);

}  // namespace plumbline::linux_abi
