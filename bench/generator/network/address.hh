// MAC and IPv4 addresses, parsed from text.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace plumbline::generator {

using MacAddress = std::array<uint8_t, 6>;
using Ipv4Address = std::array<uint8_t, 4>;

struct Endpoint {
  MacAddress mac{};
  Ipv4Address ip{};
};

// "52:54:00:12:34:56"; nothing when it is not one.
std::optional<MacAddress> parse_mac(std::string_view text);
// "10.9.0.1"; nothing when it is not one.
std::optional<Ipv4Address> parse_ipv4(std::string_view text);

}  // namespace plumbline::generator
