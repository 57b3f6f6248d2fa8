// memcpy and memmove: every way to be short, and overlaps.
#include <array>
#include <cstring>

#include "tests/guest_test.hh"

namespace plumbline {
namespace {

constexpr std::size_t kMargin = 16, kMost = 600;
std::array<unsigned char, kMost + 8 * kMargin> source, target, expected;

void fill(std::array<unsigned char, kMost + 8 * kMargin>& bytes, unsigned seed) {
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<unsigned char>(i * 7 + (i >> 8) + seed);
}

bool same() {
  for (std::size_t i = 0; i < target.size(); ++i) {
    if (target[i] != expected[i]) return false;
  }
  return true;
}

}  // namespace

GUEST_TEST(memory_functions_copy_what_they_are_told_and_no_more) {
  fill(source, 1);
  for (std::size_t length = 0; length <= kMost; ++length) {
    for (std::size_t offset = 0; offset < 3; ++offset) {
      fill(target, 99);
      fill(expected, 99);
      for (std::size_t i = 0; i < length; ++i) expected[kMargin + offset + i] = source[i + 3];
      CHECK(std::memcpy(&target[kMargin + offset], &source[3], length) ==
            &target[kMargin + offset]);
      CHECK(same());
    }
  }
}

GUEST_TEST(memory_functions_move_what_overlaps) {
  for (std::size_t length = 0; length <= kMost; length += length < 80 ? 1 : 37) {
    for (std::size_t to = 0; to < 5 * kMargin; to += 3) {
      constexpr std::size_t kFrom = 3 * kMargin;
      fill(target, 5);
      fill(source, 5);
      expected = source;
      for (std::size_t i = 0; i < length; ++i) expected[to + i] = source[kFrom + i];
      CHECK(std::memmove(&target[to], &target[kFrom], length) == &target[to]);
      CHECK(same());
    }
  }
}

}  // namespace plumbline
