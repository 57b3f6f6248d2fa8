// The program's memory as the kernel reads and writes it: any address may be wrong, so every access
// can fail. Nothing else in the kernel follows a pointer that came from a program.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#ifdef PLUMBLINE_HOSTED
#include <cstring>
#else
#include "arch/x86_64/application_access.h"
#endif
#include "core/result.hh"
#include "core/units.hh"
#include "memory/address.hh"

namespace plumbline {

#ifdef PLUMBLINE_HOSTED
// Tests are Linux programs, and their stacks end just below this.
inline constexpr std::uint64_t kApplicationEnd = 0x7fff'ffff'f000;
#else
// Programs live below this address: the kernel's near image ends the lower half, and before it a
// page is free, so that what runs over its end faults.
inline constexpr std::uint64_t kApplicationEnd = kNearImage - kPageSize;
#endif
// Nothing is mapped below it, so that null pointers fault (Linux: vm.mmap_min_addr).
inline constexpr std::uint64_t kApplicationBegin = 0x10000;

// True when the whole range lies where programs live. A range of no bytes does so anywhere.
constexpr bool is_application_range(std::uint64_t address, std::uint64_t length) {
  return length == 0 || (address < kApplicationEnd && length <= kApplicationEnd - address);
}

// A piece of memory in a list of them: struct iovec, checked with is_application_range, or a kernel
// address.
struct IoSegment {
  std::uint64_t address;
  std::size_t length;
};

#ifndef PLUMBLINE_HOSTED
// arch/x86_64/application_access.S: how many bytes were not copied.
extern "C" std::size_t application_copy(void* to, const void* from, std::size_t length);
extern "C" std::byte* application_gather_at_once(std::byte* to, std::uint64_t segments,
                                                 std::size_t count, std::size_t room);
#endif

// Copies between kernel and program memory. The number of bytes copied: less than `length` when a
// page is missing or may not be accessed so; what lies before it has been copied. Missing pages are
// made on demand, so the caller may sleep; for callers that are masked, who must not, a page that
// is not there ends the copy, and they make it with touch_application once they have let go.
// `address` must have been checked with is_application_range (hosted builds: any memory).
#ifdef PLUMBLINE_HOSTED
inline bool copy_byte(void* to, const void* from) {
  std::memcpy(to, from, 1);
  return true;
}
std::size_t copy_from_application(void* to, std::uint64_t address, std::size_t length);
std::size_t copy_to_application(std::uint64_t address, const void* from, std::size_t length);
#else
// One byte, in line; either side may be the program's. False: a bad address.
[[gnu::always_inline]] inline bool copy_byte(void* to, const void* from) {
  asm goto(
      "1: movb (%1), %%al\n"
      "2: movb %%al, (%0)\n\t"
      ".pushsection application_fixups, \"a\"\n\t"
      ".quad 1b, %l3, %c2, 2b, %l3, %c2\n\t"
      ".popsection"
      :
      : "r"(to), "r"(from), "i"(FIXUP_ON_DEMAND)
      : "rax", "memory"
      : bad);
  return true;
bad:
  return false;
}
inline std::size_t copy_from_application(void* to, std::uint64_t address, std::size_t length) {
  return length - application_copy(to, reinterpret_cast<const void*>(address), length);
}
inline std::size_t copy_to_application(std::uint64_t address, const void* from,
                                       std::size_t length) {
  return length - application_copy(reinterpret_cast<void*>(address), from, length);
}
#endif
// The same for what is mostly one byte, as a bell between threads is; true when all was copied.
inline bool copy_small_from_application(std::byte* to, std::uint64_t address, std::size_t length) {
  if (length == 1) return copy_byte(to, reinterpret_cast<const void*>(address));
  return copy_from_application(to, address, length) == length;
}
inline bool copy_small_to_application(std::uint64_t address, const std::byte* from,
                                      std::size_t length) {
  if (length == 1) return copy_byte(reinterpret_cast<void*>(address), from);
  return copy_to_application(address, from, length) == length;
}
std::size_t clear_application(std::uint64_t address, std::size_t length);

// The same without sleeping, for holders of spinlocks: fails where a page is not there yet. Callers
// then let go, fault it in with touch_application, and start over. Aligned words are read and
// exchanged in one piece.
bool load_word_atomically(std::uint32_t& value, std::uint64_t address);
// Exchanges `expected` for `desired`; false: bad address. `expected` receives what was there.
bool compare_exchange_word(std::uint64_t address, std::uint32_t& expected, std::uint32_t desired);
// Makes the page of `address` present and readable, or writable. kEFAULT when it cannot be.
Status touch_application(std::uint64_t address, bool for_writing);
// Copies what `count` segments name of a program's memory, one behind the other. They are looked at
// only here: they may be the program's own (an is_application_range) or the kernel's. All of it is
// copied, and the result is where it ends, or null: it is more than `room`, at most a page, or
// something of it is not there, or begins in the last page of where programs live.
#ifdef PLUMBLINE_HOSTED
std::byte* gather_at_once(std::byte* to, std::size_t room, std::uint64_t segments,
                          std::size_t count);
#else
inline std::byte* gather_at_once(std::byte* to, std::size_t room, std::uint64_t segments,
                                 std::size_t count) {
  return application_gather_at_once(to, segments, count, room);
}
#endif

// Reads or writes one object. kEFAULT for bad addresses, also those outside of where programs live.
template <typename T>
Result<T> load_application(std::uint64_t address) {
  T value;
  if (!is_application_range(address, sizeof value) ||
      copy_from_application(&value, address, sizeof value) != sizeof value)
    return Errno::kEFAULT;
  return value;
}
template <typename T>
Status store_application(std::uint64_t address, const T& value) {
  if (!is_application_range(address, sizeof value) ||
      copy_to_application(address, &value, sizeof value) != sizeof value)
    return Errno::kEFAULT;
  return {};
}

// Copies a string with its final zero into `to`; returns its length without it. kEFAULT, or
// kENAMETOOLONG when `to` is too small.
Result<std::size_t> copy_string_from_application(std::span<char> to, std::uint64_t address);

}  // namespace plumbline
