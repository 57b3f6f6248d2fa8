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

// The address as a number: that of 10.9.0.1 is one less than that of 10.9.0.2.
inline uint32_t number_of(const Ipv4Address& address) {
  return uint32_t{address[0]} << 24 | uint32_t{address[1]} << 16 | uint32_t{address[2]} << 8 |
         address[3];
}

// So many consecutive addresses from the first on, but for the peer's, which is passed over.
class AddressRange {
 public:
  AddressRange(const Ipv4Address& first, uint32_t count, const Ipv4Address& peer)
      : first_(number_of(first)),
        peer_at_(number_of(peer) - first_),
        count_(peer_at_ != 0 && peer_at_ < count ? count + 1 : count) {}
  // The number of the index'th of them.
  uint32_t at(uint32_t index) const { return first_ + index + (index >= peer_at_ ? 1 : 0); }
  bool contains(uint32_t number) const {
    return number - first_ < count_ && number - first_ != peer_at_;
  }

 private:
  uint32_t first_;
  uint32_t peer_at_;  // the peer's address, counted from the first one; huge if it is before
  uint32_t count_;
};

// "52:54:00:12:34:56"; nothing when it is not one.
std::optional<MacAddress> parse_mac(std::string_view text);
// "10.9.0.1"; nothing when it is not one.
std::optional<Ipv4Address> parse_ipv4(std::string_view text);

}  // namespace plumbline::generator
