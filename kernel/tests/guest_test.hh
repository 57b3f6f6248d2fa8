// Tests that run in the guest: plumbline-tests.elf with run=tests.
#pragma once

namespace plumbline {

struct GuestTest {
  const char* name;
  void (*function)();
};

// Notes a failed check of the running test; the test goes on.
[[gnu::format(printf, 3, 4)]] void guest_test_failed(const char* file, int line, const char* format,
                                                     ...);

// Marks the running test as skipped, which TAP shows with the reason; the caller returns.
void guest_test_skip(const char* reason);

}  // namespace plumbline

// GUEST_TEST(name) { CHECK(...); }
#define GUEST_TEST(name_)                                                       \
  static void guest_test_##name_();                                             \
  [[gnu::section("guest_tests"), gnu::used, gnu::aligned(8),                    \
    gnu::retain]] static const ::plumbline::GuestTest guest_test_entry_##name_{ \
      #name_, guest_test_##name_};                                              \
  static void guest_test_##name_()

#define CHECK(condition)                                                                    \
  do {                                                                                      \
    if (!(condition)) ::plumbline::guest_test_failed(__FILE__, __LINE__, "%s", #condition); \
  } while (false)

// Compares two integers and shows both when they differ.
#define CHECK_EQUAL(left, right)                                                           \
  do {                                                                                     \
    const auto check_left = static_cast<unsigned long>(left);                              \
    const auto check_right = static_cast<unsigned long>(right);                            \
    if (check_left != check_right) {                                                       \
      ::plumbline::guest_test_failed(__FILE__, __LINE__, "%s is %lu, not %s (%lu)", #left, \
                                     check_left, #right, check_right);                     \
    }                                                                                      \
  } while (false)
