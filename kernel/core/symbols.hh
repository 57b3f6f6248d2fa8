// The kernel's own symbol table, for backtraces: made at build time from the first link
// (tools/embed_symbols.cc). Portable.
//
// Format: groups of 16 functions in the order of their addresses. The index has, for each group,
// the first function's offset from the text's start and the group's place in the data (two 32-bit
// words). In a group, each function is: the distance from the one before (ULEB128; 0 for the
// first), the number of characters its name shares with the name before it (a byte), the number of
// further characters (a byte), and these.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace plumbline {

inline constexpr std::size_t kSymbolGroup = 16;
inline constexpr std::size_t kLongestSymbol = 120;

struct SymbolTable {
  std::span<const std::uint32_t> index;  // pairs
  std::span<const std::uint8_t> data;
};

struct SymbolName {
  char text[kLongestSymbol + 1];
  std::uint64_t offset;  // from the function's start
};

// Finds the function that contains the text offset; false when it is before the first, or the table
// is damaged.
bool find_symbol(const SymbolTable& table, std::uint64_t text_offset, SymbolName& result);

// The table of the running kernel.
SymbolTable kernel_symbols();

}  // namespace plumbline
