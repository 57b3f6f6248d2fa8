// What the copy routines do where pages are missing.
#include <array>
#include <cstring>

#include "core/units.hh"
#include "memory/address_space.hh"
#include "memory/application_memory.hh"
#include "tests/guest_test.hh"

namespace plumbline {
namespace {

constexpr AddressOwner kTestOwner = 0x7e57;

// Two pages, the second of which is not there.
std::uint64_t map_page_and_hole() {
  MapRequest request;
  request.owner = kTestOwner;
  request.length = 2 * kPageSize;
  request.protection = kProtectRead | kProtectWrite;
  request.small_pages = true;
  const auto page = address_space::map(request);
  CHECK(page);
  CHECK(address_space::unmap(*page + kPageSize, kPageSize));
  return *page;
}

std::array<unsigned char, 3 * kPageSize> buffer;

}  // namespace

GUEST_TEST(application_access_stops_at_the_missing_page) {
  const std::uint64_t page = map_page_and_hole();
  const std::uint64_t hole = page + kPageSize;
  for (std::size_t i = 0; i < buffer.size(); ++i) buffer[i] = static_cast<unsigned char>(i * 7);
  // All ways to be aligned, by words and by blocks.
  for (const std::size_t length : {1, 7, 8, 9, 31, 100, 511, 512, 513, 600, 1000, 4000}) {
    for (std::size_t before = 0; before < 20 && before <= length; ++before) {
      CHECK_EQUAL(copy_to_application(hole - before, buffer.data(), length), before);
      std::array<unsigned char, kPageSize> back{};
      CHECK_EQUAL(copy_from_application(back.data(), hole - before, length), before);
      CHECK(std::memcmp(back.data(), buffer.data(), before) == 0);
      CHECK_EQUAL(back[before], 0);
      CHECK_EQUAL(clear_application(hole - before, length), before);
      CHECK_EQUAL(copy_from_application(back.data(), hole - before, before), before);
      for (std::size_t i = 0; i < before; ++i) CHECK_EQUAL(back[i], 0);
    }
  }
  CHECK_EQUAL(copy_to_application(page, buffer.data(), 2 * kPageSize), kPageSize);
  CHECK_EQUAL(copy_from_application(buffer.data(), hole, 8), 0);
  CHECK_EQUAL(copy_from_application(buffer.data(), 0, 8), 0);
  CHECK_EQUAL(copy_to_application(kApplicationEnd - 4, buffer.data(), 4), 0);
  CHECK(load_application<std::uint64_t>(kApplicationEnd - 4).error() == Errno::kEFAULT);
  CHECK(load_application<std::uint64_t>(~std::uint64_t{0}).error() == Errno::kEFAULT);
  address_space::unmap_owner(kTestOwner);
}

GUEST_TEST(application_access_honours_protection) {
  const std::uint64_t page = map_page_and_hole();
  CHECK_EQUAL(copy_to_application(page, buffer.data(), 100), 100);
  CHECK(address_space::protect(page, kPageSize, kProtectRead));
  CHECK_EQUAL(copy_to_application(page, buffer.data(), 100), 0);
  CHECK_EQUAL(copy_from_application(buffer.data(), page, 100), 100);
  CHECK(touch_application(page, false));
  CHECK(!touch_application(page, true));
  CHECK(address_space::protect(page, kPageSize, 0));
  CHECK_EQUAL(copy_from_application(buffer.data(), page, 100), 0);
  address_space::unmap_owner(kTestOwner);
}

GUEST_TEST(application_access_words_without_sleeping) {
  const std::uint64_t page = map_page_and_hole();
  std::uint32_t value = 1;
  // Not there yet, and not made.
  CHECK(!load_word_atomically(value, page));
  CHECK(touch_application(page, true));
  CHECK(load_word_atomically(value, page));
  CHECK_EQUAL(value, 0);
  CHECK(compare_exchange_word(page, value, 5));
  CHECK_EQUAL(value, 0);
  CHECK(compare_exchange_word(page, value, 6));
  CHECK_EQUAL(value, 5);
  CHECK_EQUAL(*load_application<std::uint32_t>(page), 5);
  CHECK(!load_word_atomically(value, page + kPageSize));
  CHECK(!compare_exchange_word(page + kPageSize, value, 6));
  CHECK(!load_word_atomically(value, 0xffffffff'80000000));
  CHECK(touch_application(page + kPageSize, false).error() == Errno::kEFAULT);
  address_space::unmap_owner(kTestOwner);
}

GUEST_TEST(application_access_strings) {
  const std::uint64_t page = map_page_and_hole();
  const std::uint64_t at = page + kPageSize - 6;
  std::array<char, 16> text;
  CHECK_EQUAL(copy_to_application(at, "hello", 6), 6);
  const auto length = copy_string_from_application(text, at);
  CHECK(length && *length == 5 && std::strcmp(text.data(), "hello") == 0);
  CHECK(copy_string_from_application(std::span(text).first(6), at));
  CHECK(copy_string_from_application(std::span(text).first(5), at).error() == Errno::kENAMETOOLONG);
  CHECK_EQUAL(copy_to_application(at, "hello!", 6), 6);
  CHECK(copy_string_from_application(text, at).error() == Errno::kEFAULT);
  CHECK(copy_string_from_application(text, kApplicationEnd - 1).error() == Errno::kEFAULT);
  CHECK(copy_string_from_application(text, kApplicationEnd).error() == Errno::kEFAULT);
  address_space::unmap_owner(kTestOwner);
}

}  // namespace plumbline
