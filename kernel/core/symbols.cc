#include "core/symbols.hh"

#include <cstring>

namespace plumbline {

bool find_symbol(const SymbolTable& table, std::uint64_t wanted, SymbolName& result) {
  std::size_t low = 0, high = table.index.size() / 2;
  if (high == 0 || wanted < table.index[0]) return false;
  while (high - low > 1) {
    const std::size_t middle = (low + high) / 2;
    (table.index[2 * middle] <= wanted ? low : high) = middle;
  }
  const std::uint8_t* p = table.data.data() + table.index[2 * low + 1];
  const std::uint8_t* end = table.data.data() + table.data.size();
  std::uint64_t address = table.index[2 * low];
  char name[kLongestSymbol + 1] = {};
  bool found = false;
  for (std::size_t i = 0; i < kSymbolGroup && p < end; ++i) {
    std::uint64_t distance = 0;
    unsigned shift = 0;
    std::uint8_t byte;
    do {
      if (p == end || shift > 56) return found;
      byte = *p++;
      distance |= std::uint64_t{byte & 0x7fu} << shift;
      shift += 7;
    } while ((byte & 0x80) != 0);
    if (end - p < 2) return found;
    const std::size_t shared = p[0], more = p[1];
    p += 2;
    address += distance;
    if (shared + more > kLongestSymbol || static_cast<std::size_t>(end - p) < more) return found;
    if (address > wanted) return found;
    std::memcpy(name + shared, p, more);
    name[shared + more] = '\0';
    p += more;
    std::memcpy(result.text, name, sizeof name);
    result.offset = wanted - address;
    found = true;
  }
  return found;
}

}  // namespace plumbline
