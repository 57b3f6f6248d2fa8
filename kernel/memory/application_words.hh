// Words of a program's memory, read and written in place: the small structures that calls take and
// give. A copy by copy_from_application costs three times as many instructions.
#pragma once

#include <cstring>
#include <type_traits>

#include "memory/application_memory.hh"
#ifndef PLUMBLINE_HOSTED
#include "arch/x86_64/application_access.h"
#endif

namespace plumbline {

// All of these fail and sleep as copy_from_application does, and want the address checked
// (is_application_range). Each use is an entry in the table of places that may fault: for what
// every datagram needs, not for every call.

#ifdef PLUMBLINE_HOSTED
template <typename Word>
bool load_word(Word& value, std::uint64_t address) {
  return copy_from_application(&value, address, sizeof value) == sizeof value;
}
template <typename Word>
bool store_word(std::uint64_t address, Word value) {
  return copy_to_application(address, &value, sizeof value) == sizeof value;
}
inline bool load_word_at_once(std::uint32_t& value, std::uint64_t address) {
  return load_word_atomically(value, address);
}
#else
template <typename Word, int kFixup = FIXUP_ON_DEMAND>
[[gnu::always_inline]] inline bool load_word(Word& value, std::uint64_t address) {
  static_assert(std::is_integral_v<Word> && (sizeof(Word) == 4 || sizeof(Word) == 8));
  Word loaded;
  asm volatile goto(
      "1: mov %1, %0\n\t"
      ".pushsection application_fixups, \"a\"\n\t"
      ".quad 1b, %l[bad], %c2\n\t"
      ".popsection"
      : "=r"(loaded)
      : "m"(*reinterpret_cast<const Word*>(address)), "i"(kFixup)
      : "memory"
      : bad);
  // GCC before 12.4 may drop or move an asm goto with outputs; not one that another asm follows
  // (GCC bugs 113921 and 98619).
  asm volatile("");
  value = loaded;
  return true;
bad:
  return false;
}
// load_word_atomically for an address that has been checked: for holders of spinlocks.
[[gnu::always_inline]] inline bool load_word_at_once(std::uint32_t& value, std::uint64_t address) {
  return load_word<std::uint32_t, FIXUP_AT_ONCE>(value, address);
}
template <typename Word>
[[gnu::always_inline]] inline bool store_word(std::uint64_t address, Word value) {
  static_assert(std::is_integral_v<Word> && (sizeof(Word) == 4 || sizeof(Word) == 8));
  asm volatile goto(
      "1: mov %1, %0\n\t"
      ".pushsection application_fixups, \"a\"\n\t"
      ".quad 1b, %l[bad], %c2\n\t"
      ".popsection"
      :
      : "m"(*reinterpret_cast<Word*>(address)), "r"(value), "i"(FIXUP_ON_DEMAND)
      : "memory"
      : bad);
  return true;
bad:
  return false;
}
#endif

// Copies `kBytes`, a multiple of four, as words.
template <std::size_t kBytes>
[[gnu::always_inline]] inline bool load_words(void* to, std::uint64_t address) {
  static_assert(kBytes % 4 == 0);
  if constexpr (kBytes >= 8) {
    std::uint64_t word;
    if (!load_word(word, address)) return false;
    std::memcpy(to, &word, sizeof word);
    return load_words<kBytes - 8>(static_cast<std::byte*>(to) + 8, address + 8);
  } else if constexpr (kBytes == 4) {
    std::uint32_t word;
    if (!load_word(word, address)) return false;
    std::memcpy(to, &word, sizeof word);
  }
  return true;
}
template <std::size_t kBytes>
[[gnu::always_inline]] inline bool store_words(std::uint64_t address, const void* from) {
  static_assert(kBytes % 4 == 0);
  if constexpr (kBytes >= 8) {
    std::uint64_t word;
    std::memcpy(&word, from, sizeof word);
    if (!store_word(address, word)) return false;
    return store_words<kBytes - 8>(address + 8, static_cast<const std::byte*>(from) + 8);
  } else if constexpr (kBytes == 4) {
    std::uint32_t word;
    std::memcpy(&word, from, sizeof word);
    if (!store_word(address, word)) return false;
  }
  return true;
}

}  // namespace plumbline
