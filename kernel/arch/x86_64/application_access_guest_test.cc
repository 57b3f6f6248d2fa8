// What the copy routines do where pages are missing.
#include <array>
#include <cstring>
#include <span>

#include "core/units.hh"
#include "memory/address_space.hh"
#include "memory/application_words.hh"
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

GUEST_TEST(application_access_gathers_without_sleeping) {
  const std::uint64_t page = map_page_and_hole();
  const std::uint64_t hole = page + kPageSize;
  std::array<std::byte, 1024> gathered;
  const auto gather = [&gathered](std::span<const IoSegment> segments, std::size_t room = 400) {
    gathered.fill(std::byte{0xee});
    const std::byte* const end = gather_at_once(
        gathered.data(), room, reinterpret_cast<std::uint64_t>(segments.data()), segments.size());
    return end == nullptr ? -1 : end - gathered.data();
  };
  // Not there yet, and not made.
  const IoSegment absent{page, 8};
  CHECK_EQUAL(gather({&absent, 1}), -1);
  CHECK_EQUAL(gather({}), 0);
  for (std::size_t i = 0; i < kPageSize; ++i) buffer[i] = static_cast<unsigned char>(i * 7);
  CHECK_EQUAL(copy_to_application(page, buffer.data(), kPageSize), kPageSize);
  for (std::size_t length = 0; length < 200; ++length) {
    const std::array<IoSegment, 3> segments{IoSegment{page + 1, length},
                                            IoSegment{page + 500, 200 - length},
                                            IoSegment{hole - length, length}};
    const auto total = static_cast<std::ptrdiff_t>(200 + length);
    CHECK_EQUAL(gather(segments, 200 + length), total);
    CHECK(std::memcmp(gathered.data(), buffer.data() + 1, length) == 0);
    CHECK(std::memcmp(gathered.data() + length, buffer.data() + 500, 200 - length) == 0);
    CHECK(std::memcmp(gathered.data() + 200, buffer.data() + kPageSize - length, length) == 0);
    CHECK(gathered[200 + length] == std::byte{0xee});
    CHECK_EQUAL(gather(segments, 199 + length), -1);
    // One byte too far.
    const IoSegment beyond{hole - length, length + 1};
    CHECK_EQUAL(gather({&beyond, 1}), -1);
  }
  const std::array<IoSegment, 2> kernel{IoSegment{page, 8},
                                        IoSegment{reinterpret_cast<std::uint64_t>(&buffer), 8}};
  CHECK_EQUAL(gather(kernel), -1);
  for (const std::uint64_t address : {kApplicationEnd - 8, kApplicationEnd, ~std::uint64_t{0}}) {
    const IoSegment outside{address, 16};
    CHECK_EQUAL(gather({&outside, 1}), -1);
  }
  const IoSegment endless{page, ~std::size_t{0}};
  CHECK_EQUAL(gather({&endless, 1}), -1);
  // A list in the program's memory, with its last word there or not.
  const IoSegment listed{page + 64, 5};
  CHECK_EQUAL(copy_to_application(hole - 16, &listed, sizeof listed), sizeof listed);
  std::byte* const to = gathered.data();
  CHECK(gather_at_once(to, 5, hole - 16, 1) == to + 5);
  CHECK(std::memcmp(to, buffer.data() + 64, 5) == 0);
  CHECK(gather_at_once(to, 400, hole - 8, 1) == nullptr);
  CHECK(gather_at_once(to, 400, hole - 16, 2) == nullptr);
  address_space::unmap_owner(kTestOwner);
}

GUEST_TEST(application_access_single_words_in_place) {
  const std::uint64_t page = map_page_and_hole();
  const std::uint64_t hole = page + kPageSize;
  // Pages are made on demand.
  const std::array<std::uint32_t, 3> three{1, 2, 3};
  CHECK(store_words<12>(page + 4, three.data()));
  std::array<std::uint32_t, 3> back{};
  CHECK(load_words<12>(back.data(), page + 4));
  CHECK(back == three);
  std::uint64_t word = 0;
  CHECK(load_word(word, hole - 8));
  CHECK(!load_word(word, hole - 7));
  CHECK(!store_word(hole - 4, word));
  CHECK(store_word(hole - 4, std::uint32_t{7}));
  CHECK(!load_words<12>(back.data(), hole - 8));
  CHECK(!store_words<12>(hole - 8, three.data()));
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
