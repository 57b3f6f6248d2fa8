#include "core/format.hh"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace plumbline {
namespace {

class Output {
 public:
  explicit Output(std::span<char> buffer) : buffer_(buffer) {}
  void put(char c) {
    if (length_ + 1 < buffer_.size()) buffer_[length_++] = c;
  }
  void put(char c, std::size_t times) {
    while (times-- != 0) put(c);
  }
  void put(const char* text, std::size_t length) {
    for (std::size_t i = 0; i < length; ++i) put(text[i]);
  }
  std::size_t finish() {
    if (!buffer_.empty()) buffer_[length_] = '\0';
    return length_;
  }

 private:
  std::span<char> buffer_;
  std::size_t length_ = 0;
};

struct Conversion {
  bool left = false, plus = false, space = false, alternate = false, zero = false;
  std::size_t width = 0;
  bool has_precision = false;
  std::size_t precision = 0;
};

void put_padded(Output& out, const Conversion& c, const char* text, std::size_t length) {
  const std::size_t padding = c.width > length ? c.width - length : 0;
  if (!c.left) out.put(' ', padding);
  out.put(text, length);
  if (c.left) out.put(' ', padding);
}

void put_number(Output& out, const Conversion& c, std::uint64_t magnitude, unsigned base,
                bool upper, const char* prefix) {
  char digits[24];
  std::size_t count = 0;
  const char* alphabet = upper ? "0123456789ABCDEF" : "0123456789abcdef";
  for (std::uint64_t rest = magnitude; rest != 0; rest /= base) {
    digits[count++] = alphabet[rest % base];
  }
  if (count == 0 && !(c.has_precision && c.precision == 0)) digits[count++] = '0';
  const std::size_t prefix_length = std::strlen(prefix);
  std::size_t zeros = c.has_precision && c.precision > count ? c.precision - count : 0;
  const std::size_t length = prefix_length + zeros + count;
  std::size_t padding = c.width > length ? c.width - length : 0;
  if (c.zero && !c.left && !c.has_precision) {
    zeros += padding;
    padding = 0;
  }
  if (!c.left) out.put(' ', padding);
  out.put(prefix, prefix_length);
  out.put('0', zeros);
  while (count != 0) out.put(digits[--count]);
  if (c.left) out.put(' ', padding);
}

enum class Length { kChar, kShort, kInt, kLong };

}  // namespace

std::size_t format_list(std::span<char> buffer, const char* format, std::va_list arguments) {
  Output out(buffer);
  std::va_list list;
  va_copy(list, arguments);
  for (const char* p = format; *p != '\0'; ++p) {
    if (*p != '%') {
      out.put(*p);
      continue;
    }
    ++p;
    Conversion c;
    for (;; ++p) {
      if (*p == '-') {
        c.left = true;
      } else if (*p == '+') {
        c.plus = true;
      } else if (*p == ' ') {
        c.space = true;
      } else if (*p == '#') {
        c.alternate = true;
      } else if (*p == '0') {
        c.zero = true;
      } else {
        break;
      }
    }
    const auto number = [&]() -> std::size_t {
      if (*p == '*') {
        ++p;
        const int value = va_arg(list, int);
        if (value < 0) c.left = true;
        return static_cast<std::size_t>(value < 0 ? -static_cast<std::int64_t>(value) : value);
      }
      std::size_t value = 0;
      for (; *p >= '0' && *p <= '9'; ++p) {
        value = std::min<std::size_t>(value * 10 + static_cast<std::size_t>(*p - '0'), 4096);
      }
      return value;
    };
    c.width = number();
    if (*p == '.') {
      ++p;
      c.has_precision = true;
      if (*p == '*') {
        ++p;
        const int value = va_arg(list, int);
        c.has_precision = value >= 0;
        c.precision = value >= 0 ? static_cast<std::size_t>(value) : 0;
      } else {
        c.precision = number();
      }
    }
    Length length = Length::kInt;
    for (;; ++p) {
      if (*p == 'h') {
        length = length == Length::kShort ? Length::kChar : Length::kShort;
      } else if (*p == 'l' || *p == 'z' || *p == 'j' || *p == 't') {
        length = Length::kLong;  // long, long long, size_t and the others have 64 bits
      } else {
        break;
      }
    }
    switch (*p) {
      case 'd':
      case 'i': {
        std::int64_t value =
            length == Length::kLong ? va_arg(list, std::int64_t) : va_arg(list, int);
        if (length == Length::kShort) value = static_cast<short>(value);
        if (length == Length::kChar) value = static_cast<signed char>(value);
        // Negating in unsigned arithmetic also serves the smallest number.
        const auto magnitude =
            value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
        put_number(out, c, magnitude, 10, false,
                   value < 0 ? "-" : (c.plus ? "+" : (c.space ? " " : "")));
        break;
      }
      case 'u':
      case 'o':
      case 'x':
      case 'X': {
        std::uint64_t value =
            length == Length::kLong ? va_arg(list, std::uint64_t) : va_arg(list, unsigned);
        if (length == Length::kShort) value = static_cast<unsigned short>(value);
        if (length == Length::kChar) value = static_cast<unsigned char>(value);
        const char* prefix = "";
        if (c.alternate && value != 0 && *p == 'x') prefix = "0x";
        if (c.alternate && value != 0 && *p == 'X') prefix = "0X";
        if (c.alternate && value != 0 && *p == 'o') prefix = "0";
        put_number(out, c, value, *p == 'u' ? 10 : (*p == 'o' ? 8 : 16), *p == 'X', prefix);
        break;
      }
      case 'p':
        put_number(out, c, reinterpret_cast<std::uint64_t>(va_arg(list, void*)), 16, false, "0x");
        break;
      case 'c': {
        const char character = static_cast<char>(va_arg(list, int));
        put_padded(out, c, &character, 1);
        break;
      }
      case 's': {
        const char* text = va_arg(list, const char*);
        if (text == nullptr) text = "(null)";
        std::size_t n = 0;
        while ((!c.has_precision || n < c.precision) && text[n] != '\0') ++n;
        put_padded(out, c, text, n);
        break;
      }
      case '%':
        out.put('%');
        break;
      default:
        // An unknown conversion: its argument's size is unknown too, so the rest stays as it is.
        out.put('%');
        while (*p != '\0') out.put(*p++);
        --p;
        break;
    }
  }
  va_end(list);
  return out.finish();
}

std::size_t format_text(std::span<char> buffer, const char* format, ...) {
  std::va_list arguments;
  va_start(arguments, format);
  const std::size_t length = format_list(buffer, format, arguments);
  va_end(arguments);
  return length;
}

}  // namespace plumbline
