#include "core/format.hh"

#include <doctest/doctest.h>

#include <climits>
#include <cstdio>
#include <string>

using namespace plumbline;

namespace {

// Formats both ways; the C library is the reference.
template <typename... Arguments>
void same(const char* format, Arguments... arguments) {
  char ours[256], theirs[256];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"
  const std::size_t length = format_text(ours, format, arguments...);
  const int expected = std::snprintf(theirs, sizeof theirs, format, arguments...);
#pragma GCC diagnostic pop
  CHECK(std::string(ours) == std::string(theirs));
  CHECK(length == static_cast<std::size_t>(expected));
}

}  // namespace

TEST_CASE("formats as the C library does") {
  same("plain 100%%");
  for (const int value : {0, 1, -1, 42, INT_MAX, INT_MIN}) {
    for (const char* format : {"%d", "%5d", "%-8d|", "%08d", "%+d", "% d", "%.3d", "%8.3d", "%u",
                               "%x", "%#x", "%X", "%#o", "%010x", "%hd", "%hhd", "%hhx"}) {
      same(format, value);
    }
  }
  for (const long value : {0L, LONG_MAX, LONG_MIN}) {
    for (const char* format : {"%ld", "%lx", "%#lx", "%lu", "%020ld", "%zu", "%llx"})
      same(format, value);
  }
  same("%s|%10s|%-10s|%.2s|%.*s", "abc", "abc", "abc", "abc", 1, "abc");
  same("%c%3c%-3c|", 'a', 'b', 'c');
  same("%*d|%-*d|", 6, 42, 6, 42);
  same("%p", reinterpret_cast<void*>(0x1234));
  same("%.0d|", 0);
}

TEST_CASE("never writes beyond the buffer") {
  char buffer[8] = "1234567";
  CHECK(format_text({buffer, 4}, "%s", "abcdefgh") == 3);
  CHECK(std::string(buffer) == "abc");
  CHECK(buffer[4] == '5');
  CHECK(format_text({buffer, 0}, "x") == 0);
  CHECK(format_text({buffer, 1}, "%d", 12345) == 0);
  CHECK(buffer[0] == '\0');
}

TEST_CASE("null text and unknown conversions are harmless") {
  char buffer[64];
  const char* null = nullptr;
  // Hidden from the compiler, which would warn about the null.
  asm("" : "+r"(null));
  format_text(buffer, "%s", null);
  CHECK(std::string(buffer) == "(null)");
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat"
#pragma GCC diagnostic ignored "-Wformat-extra-args"
  format_text(buffer, "a %y b", 1);
#pragma GCC diagnostic pop
  CHECK(std::string(buffer) == "a %y b");
}
