// Options on the kernel's command line: `name=value`, declared where they are used.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace plumbline {

// What is common to all options. Objects are constants of the image's data; nothing runs before
// main to register them.
struct BootOptionBase {
  enum class Kind : std::uint8_t { kNumber, kSwitch, kText, kChoice, kTextList };

  const char* name;
  const char* help;
  Kind kind;
  bool given = false;  // set by the parser
};

template <typename T>
struct BootOption;

// An unsigned number with an optional suffix K, M, G or T (powers of 1024), decimal or 0x...
template <>
struct BootOption<std::uint64_t> : BootOptionBase {
  constexpr BootOption(const char* option, std::uint64_t standard, std::uint64_t least,
                       std::uint64_t most, const char* text)
      : BootOptionBase{option, text, Kind::kNumber},
        value(standard),
        minimum(least),
        maximum(most) {}
  std::uint64_t get() const { return value; }
  std::uint64_t value, minimum, maximum;
};

// on or off.
template <>
struct BootOption<bool> : BootOptionBase {
  constexpr BootOption(const char* option, bool standard, const char* text)
      : BootOptionBase{option, text, Kind::kSwitch}, value(standard) {}
  bool get() const { return value; }
  bool value;
};

// Text up to the next space. The view points into the kernel's copy of the command line, which
// stays.
template <>
struct BootOption<std::string_view> : BootOptionBase {
  constexpr BootOption(const char* option, std::string_view standard, const char* text)
      : BootOptionBase{option, text, Kind::kText}, value(standard) {}
  std::string_view get() const { return value; }
  std::string_view value;
};

// One of a list of words; the value is the word's index.
struct Choice {};
template <>
struct BootOption<Choice> : BootOptionBase {
  constexpr BootOption(const char* option, std::size_t standard, std::span<const char* const> list,
                       const char* text)
      : BootOptionBase{option, text, Kind::kChoice}, value(standard), words(list) {}
  std::size_t get() const { return value; }
  std::size_t value;
  std::span<const char* const> words;
};

// Text that may be given several times (virtio_mmio.device=...); at most kMost are kept, more is an
// error.
struct TextList {};
template <>
struct BootOption<TextList> : BootOptionBase {
  static constexpr std::size_t kMost = 16;
  constexpr BootOption(const char* option, const char* text)
      : BootOptionBase{option, text, Kind::kTextList} {}
  std::span<const std::string_view> get() const { return {values.data(), count}; }
  std::array<std::string_view, kMost> values{};
  std::size_t count = 0;
};

enum class BootOptionError : std::uint8_t { kNone, kUnknown, kBadValue, kHelp };

// The result of parsing: which option was wrong, with what value, and what is allowed.
struct BootOptionResult {
  BootOptionError error = BootOptionError::kNone;
  std::string_view name;
  std::string_view value;
  const BootOptionBase* option = nullptr;  // null when unknown
};

// Parses `command_line` (words separated by white space) into `options`. Stops at the first error;
// the word `help` gives kHelp. The options' text values are views into `command_line`.
BootOptionResult parse_boot_options(std::string_view command_line,
                                    std::span<BootOptionBase* const> options);

// Parses a number as options do. False when it is none, or does not fit 64 bits.
bool parse_number(std::string_view text, std::uint64_t& value);

// Writes what an option allows ("0 to 64", "on or off", "one of a, b") into `buffer`, always
// terminated.
void describe_allowed(const BootOptionBase& option, std::span<char> buffer);

// All options of this image.
std::span<BootOptionBase* const> boot_options();

}  // namespace plumbline

// Declares an option at namespace scope in one .cc file:
//   BOOT_OPTION(std::uint64_t, poll_spins, "net.poll-spins", 20000, 0, 1000000, "empty polls before
//   sleeping"); BOOT_OPTION(bool, verbose, "log.debug", false, "...");
//   BOOT_OPTION(std::string_view, ip, "ip", "", "address/prefix");
//   BOOT_OPTION(Choice, mode, "mode", 0, kModeWords, "...");   // kModeWords: an array of const
//   char* BOOT_OPTION(TextList, devices, "virtio_mmio.device", "...");
#define BOOT_OPTION(type, variable, ...)                                \
  static constinit ::plumbline::BootOption<type> variable{__VA_ARGS__}; \
  [[gnu::section("boot_options"), gnu::used,                            \
    gnu::retain]] static ::plumbline::BootOptionBase* const boot_option_##variable = &variable
