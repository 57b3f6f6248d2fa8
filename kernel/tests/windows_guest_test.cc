// Low addresses of a program's own.
#include "arch/x86_64/program_tables.hh"
#include "core/units.hh"
#include "memory/address_space.hh"
#include "memory/application_memory.hh"
#include "memory/pages.hh"
#include "tests/guest_test.hh"

namespace plumbline {
namespace {

constexpr AddressOwner kFirst = 4801, kSecond = 4802;
constexpr std::uint64_t kLow = 0x40'0000, kHigh = 0x5000'0000'0000;

bool map_at(AddressOwner owner, std::uint64_t address) {
  return bool{address_space::map({.owner = owner,
                                  .hint = address,
                                  .length = 4 * kPageSize,
                                  .protection = kProtectRead | kProtectWrite,
                                  .fixed_noreplace = true})};
}

std::uint64_t word_at(std::uint64_t address) {
  const auto word = load_application<std::uint64_t>(address);
  return word ? *word : 0;
}

}  // namespace

GUEST_TEST(windows_hold_the_same_addresses_apart) {
  const auto round = [] {
    CHECK(map_at(kFirst, kLow));
    CHECK(map_at(kFirst, kHigh));
    CHECK(store_application<std::uint64_t>(kLow, 1));
    CHECK(store_application<std::uint64_t>(kHigh, 2));
    CHECK(!map_at(kSecond, kLow));
    CHECK(address_space::open_window(kSecond));
    address_space::enter_window(kSecond);
    CHECK(!load_application<char>(kLow));
    CHECK(map_at(kSecond, kLow));
    CHECK_EQUAL(word_at(kLow), 0);
    CHECK(store_application<std::uint64_t>(kLow, 3));
    CHECK(!map_at(kSecond, kHigh));
    CHECK_EQUAL(word_at(kHigh), 2);
    // A top-level slot that is new is seen in both.
    CHECK(map_at(kSecond, 0x1234'0000'0000));
    CHECK(store_application<std::uint64_t>(0x1234'0000'0000, 4));
    address_space::enter_window(kFirst);
    CHECK_EQUAL(word_at(kLow), 1);
    CHECK_EQUAL(word_at(0x1234'0000'0000), 4);
    CHECK_EQUAL(address_space::usage(kFirst).mapped_bytes, 8 * kPageSize);
    CHECK_EQUAL(address_space::usage(kSecond).mapped_bytes, 8 * kPageSize);
    // The other's end, from here.
    address_space::unmap_owner(kSecond);
    CHECK_EQUAL(word_at(kLow), 1);
    CHECK(!load_application<char>(0x1234'0000'0000));
    address_space::unmap_owner(kFirst);
    CHECK(!load_application<char>(kLow));
  };
  round();
  const std::size_t before = page_statistics().free_pages;
  for (unsigned i = 0; i < 20; ++i) round();
  // The window's table has been used again.
  CHECK(page_statistics().free_pages + 4 >= before);
}

}  // namespace plumbline
