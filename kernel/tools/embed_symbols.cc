// Host tool of the build: reads `nm --demangle --defined-only --numeric-sort` from standard input,
// writes the assembly of the symbol table that core/symbols.hh describes to standard output.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

#include "core/symbols.hh"

namespace {

struct Symbol {
  std::uint64_t address;
  std::string name;
};

// "plumbline::net::send(int) [clone .part.0]" -> "net::send": what a reader of a backtrace needs.
std::string shorten(std::string name) {
  int depth = 0;
  std::size_t cut = name.size();
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name[i] == '<') ++depth;
    if (name[i] == '>') --depth;
    if (name[i] == '(' && depth == 0 && name.compare(i, 21, "(anonymous namespace)") == 0) {
      name.erase(i, 23);  // and its ::
      --i;
      cut = name.size();
      continue;
    }
    if (name[i] == '(' && depth == 0 && i > 0) {
      cut = i;
      break;
    }
  }
  name.resize(std::min(cut, name.size()));
  const std::string prefix = "plumbline::";
  if (name.compare(0, prefix.size(), prefix) == 0) name.erase(0, prefix.size());
  if (name.size() > plumbline::kLongestSymbol) name.resize(plumbline::kLongestSymbol);
  return name;
}

}  // namespace

int main() {
  std::vector<Symbol> symbols;
  std::uint64_t text_start = 0;
  for (std::string line; std::getline(std::cin, line);) {
    // "ffffffff80100000 T name"
    if (line.size() < 20) continue;
    const char type = line[17];
    const std::uint64_t address = std::stoull(line.substr(0, 16), nullptr, 16);
    const std::string name = line.substr(19);
    if (name == "__text_start") text_start = address;
    if (type != 't' && type != 'T' && type != 'w' && type != 'W') continue;
    if (name.rfind("__", 0) == 0) continue;
    if (!symbols.empty() && symbols.back().address == address) continue;
    symbols.push_back({address, shorten(name)});
  }
  if (text_start == 0 || symbols.empty()) {
    std::fputs("embed_symbols: no __text_start or no functions in the input\n", stderr);
    return 1;
  }
  std::vector<std::uint32_t> index;
  std::vector<std::uint8_t> data;
  std::string before;
  std::uint64_t address_before = 0;
  for (std::size_t i = 0; i < symbols.size(); ++i) {
    const std::uint64_t offset = symbols[i].address - text_start;
    if (i % plumbline::kSymbolGroup == 0) {
      index.push_back(static_cast<std::uint32_t>(offset));
      index.push_back(static_cast<std::uint32_t>(data.size()));
      before.clear();
      address_before = offset;
    }
    std::uint64_t distance = offset - address_before;
    do {
      const auto byte = static_cast<std::uint8_t>(distance & 0x7f);
      distance >>= 7;
      data.push_back(static_cast<std::uint8_t>(byte | (distance != 0 ? 0x80 : 0)));
    } while (distance != 0);
    const std::string& name = symbols[i].name;
    std::size_t shared = 0;
    while (shared < name.size() && shared < before.size() && name[shared] == before[shared])
      ++shared;
    data.push_back(static_cast<std::uint8_t>(shared));
    data.push_back(static_cast<std::uint8_t>(name.size() - shared));
    data.insert(data.end(), name.begin() + static_cast<std::ptrdiff_t>(shared), name.end());
    before = name;
    address_before = offset;
  }
  std::printf(
      ".section symbol_table, \"a\"\n.balign 4\n.globl symbol_index, "
      "symbol_index_end\nsymbol_index:\n");
  for (const std::uint32_t word : index) std::printf(".long %u\n", word);
  std::printf("symbol_index_end:\n.globl symbol_data, symbol_data_end\nsymbol_data:\n");
  for (std::size_t i = 0; i < data.size(); ++i) {
    std::printf("%s%u%s", i % 32 == 0 ? ".byte " : ",", data[i],
                i % 32 == 31 || i + 1 == data.size() ? "\n" : "");
  }
  std::printf("symbol_data_end:\n");
  return 0;
}
