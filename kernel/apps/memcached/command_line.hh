// Reading a line of memcached's text protocol: tokens and numbers. Bytes from strangers; nothing
// here allocates or reads outside the span.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace plumbline::memcached {

// The words of a line, parted by spaces. More than kMost are counted as kMost: no command but get
// takes so many.
struct Tokens {
  static constexpr size_t kMost = 9;
  std::array<std::string_view, kMost> words;
  size_t count = 0;

  std::string_view operator[](size_t i) const { return words[i]; }
  std::string_view last() const { return words[count - 1]; }
};

// Takes the next word off the front of `rest`; empty at the end.
inline std::string_view next_word(std::string_view& rest) {
  const size_t start = rest.find_first_not_of(' ');
  if (start == std::string_view::npos) {
    rest = {};
    return {};
  }
  rest.remove_prefix(start);
  const size_t end = std::min(rest.find(' '), rest.size());
  const std::string_view word = rest.substr(0, end);
  rest.remove_prefix(end);
  return word;
}

inline Tokens split_words(std::string_view line) {
  Tokens tokens;
  while (tokens.count < Tokens::kMost) {
    const std::string_view word = next_word(line);
    if (word.empty()) break;
    tokens.words[tokens.count++] = word;
  }
  return tokens;
}

// A decimal number up to `maximum`; digits only.
inline std::optional<uint64_t> parse_unsigned(std::string_view text,
                                              uint64_t maximum = UINT64_MAX) {
  if (text.empty()) return std::nullopt;
  uint64_t value = 0;
  for (const char c : text) {
    const auto digit = static_cast<unsigned>(static_cast<unsigned char>(c)) - '0';
    if (digit > 9 || __builtin_mul_overflow(value, uint64_t{10}, &value) ||
        __builtin_add_overflow(value, uint64_t{digit}, &value))
      return std::nullopt;
  }
  return value <= maximum ? std::optional(value) : std::nullopt;
}

// A decimal number with an optional minus sign.
inline std::optional<int64_t> parse_signed(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  const auto magnitude = parse_unsigned(text, INT64_MAX);
  if (!magnitude) return std::nullopt;
  const auto value = static_cast<int64_t>(*magnitude);
  return negative ? -value : value;
}

}  // namespace plumbline::memcached
