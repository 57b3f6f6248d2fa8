#include "network/address.hh"

#include <charconv>

namespace plumbline::generator {

namespace {

template <size_t kParts>
std::optional<std::array<uint8_t, kParts>> parse_parts(std::string_view text, char separator,
                                                       int base) {
  std::array<uint8_t, kParts> result{};
  const char* position = text.data();
  const char* end = position + text.size();
  for (size_t i = 0; i < kParts; ++i) {
    if (i > 0 && (position == end || *position++ != separator)) return std::nullopt;
    const auto [next, error] = std::from_chars(position, end, result[i], base);
    if (error != std::errc()) return std::nullopt;
    position = next;
  }
  return position == end ? std::optional(result) : std::nullopt;
}

}  // namespace

std::optional<MacAddress> parse_mac(std::string_view text) { return parse_parts<6>(text, ':', 16); }
std::optional<Ipv4Address> parse_ipv4(std::string_view text) {
  return parse_parts<4>(text, '.', 10);
}

}  // namespace plumbline::generator
