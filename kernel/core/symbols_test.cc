#include "core/symbols.hh"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace plumbline;

namespace {

// Packs functions as tools/embed_symbols.cc does, without sharing its code.
struct Packed {
  std::vector<std::uint32_t> index;
  std::vector<std::uint8_t> data;
  SymbolTable table() const { return {index, data}; }
};

Packed pack(const std::vector<std::pair<std::uint32_t, std::string>>& functions) {
  Packed result;
  for (std::size_t i = 0; i < functions.size(); ++i) {
    const auto& [address, name] = functions[i];
    const bool first = i % kSymbolGroup == 0;
    if (first) {
      result.index.push_back(address);
      result.index.push_back(static_cast<std::uint32_t>(result.data.size()));
    }
    std::uint32_t distance = first ? 0 : address - functions[i - 1].first;
    while (distance >= 0x80) {
      result.data.push_back(static_cast<std::uint8_t>(distance | 0x80));
      distance >>= 7;
    }
    result.data.push_back(static_cast<std::uint8_t>(distance));
    std::size_t shared = 0;
    if (!first) {
      const std::string& before = functions[i - 1].second;
      while (shared < name.size() && shared < before.size() && name[shared] == before[shared])
        ++shared;
    }
    result.data.push_back(static_cast<std::uint8_t>(shared));
    result.data.push_back(static_cast<std::uint8_t>(name.size() - shared));
    result.data.insert(result.data.end(), name.begin() + static_cast<std::ptrdiff_t>(shared),
                       name.end());
  }
  return result;
}

}  // namespace

TEST_CASE("finds every function and the offset in it") {
  std::vector<std::pair<std::uint32_t, std::string>> functions;
  for (std::uint32_t i = 0; i < 100; ++i) {
    functions.emplace_back(16 + i * i * 7, "net::function_" + std::to_string(i));
  }
  const Packed packed = pack(functions);
  SymbolName name;
  CHECK_FALSE(find_symbol(packed.table(), 15, name));
  for (std::size_t i = 0; i < functions.size(); ++i) {
    const std::uint32_t next =
        i + 1 < functions.size() ? functions[i + 1].first : functions[i].first + 100;
    for (const std::uint32_t offset :
         {functions[i].first, (functions[i].first + next) / 2, next - 1}) {
      REQUIRE(find_symbol(packed.table(), offset, name));
      CHECK(std::string(name.text) == functions[i].second);
      CHECK(name.offset == offset - functions[i].first);
    }
  }
}

TEST_CASE("an empty table finds nothing, a cut one does not read beyond its end") {
  SymbolName name;
  CHECK_FALSE(find_symbol({}, 5, name));
  Packed packed = pack({{0, "first"}, {10, "second"}, {400, "third"}});
  while (!packed.data.empty()) {
    packed.data.pop_back();
    packed.data.shrink_to_fit();
    find_symbol(packed.table(), 1000, name);
  }
  CHECK_FALSE(find_symbol(packed.table(), 1000, name));
}
