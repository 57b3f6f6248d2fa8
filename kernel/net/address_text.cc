#include "net/address_text.hh"

#include <algorithm>
#include <array>

namespace plumbline::net {

namespace {
// A decimal number up to `maximum` off the front of `text`.
std::optional<uint32_t> take_number(std::string_view& text, uint32_t maximum) {
  uint32_t value = 0;
  size_t digits = 0;
  while (digits < text.size() && digits < 3 && text[digits] >= '0' && text[digits] <= '9')
    value = value * 10 + static_cast<uint32_t>(text[digits++] - '0');
  if (digits == 0 || value > maximum || (digits > 1 && text[0] == '0')) return std::nullopt;
  text.remove_prefix(digits);
  return value;
}
}  // namespace

std::optional<Ipv4Address> parse_address(std::string_view text) {
  Ipv4Address address;
  for (int i = 0; i < 4; ++i) {
    if (i != 0) {
      if (!text.starts_with('.')) return std::nullopt;
      text.remove_prefix(1);
    }
    const auto octet = take_number(text, 255);
    if (!octet) return std::nullopt;
    address.value = address.value << 8 | *octet;
  }
  return text.empty() ? std::optional(address) : std::nullopt;
}

std::optional<Ipv4Prefix> parse_host_prefix(std::string_view text) {
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto address = parse_address(text.substr(0, slash));
  text.remove_prefix(slash + 1);
  const auto length = take_number(text, 32);
  if (!address || !length || *length == 0 || !text.empty()) return std::nullopt;
  const Ipv4Prefix prefix{*address, static_cast<uint8_t>(*length)};
  const bool is_network = *length < 31 && (address->value & ~prefix.mask()) == 0;
  if (address->is_zero() || address->is_loopback() || address->is_class_d_or_e() || is_network ||
      prefix.is_broadcast(*address))
    return std::nullopt;
  return prefix;
}

std::optional<IpAddress> parse_address6(std::string_view text) {
  constexpr size_t kGroups = 8;
  std::array<uint16_t, kGroups> groups{};
  size_t count = 0;
  // Where "::" stood, if it did.
  size_t gap = kGroups + 1;
  if (text.starts_with("::")) {
    gap = 0;
    text.remove_prefix(2);
  }
  while (!text.empty()) {
    uint32_t value = 0;
    size_t digits = 0;
    for (; digits < text.size() && digits < 4; ++digits) {
      const char c = text[digits];
      const int digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (digit < 0) break;
      value = value << 4 | static_cast<uint32_t>(digit);
    }
    if (digits == 0 || count == kGroups) return std::nullopt;
    groups[count++] = static_cast<uint16_t>(value);
    text.remove_prefix(digits);
    if (text.empty()) break;
    if (text.starts_with("::")) {
      if (gap <= kGroups) return std::nullopt;
      gap = count;
      text.remove_prefix(2);
    } else if (text.starts_with(':') && text.size() > 1) {
      text.remove_prefix(1);
    } else {
      return std::nullopt;
    }
  }
  // "::" stands for one group at least.
  if (gap > kGroups ? count != kGroups : count >= kGroups) return std::nullopt;
  if (gap <= kGroups) {
    std::move_backward(groups.begin() + static_cast<ptrdiff_t>(gap),
                       groups.begin() + static_cast<ptrdiff_t>(count), groups.end());
    std::fill_n(groups.begin() + static_cast<ptrdiff_t>(gap), kGroups - count, uint16_t{0});
  }
  uint64_t halves[2]{};
  for (size_t i = 0; i < kGroups; ++i) halves[i / 4] = halves[i / 4] << 16 | groups[i];
  return IpAddress::of_v6(halves[0], halves[1]);
}

std::optional<Ipv6Prefix> parse_host_prefix6(std::string_view text) {
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto address = parse_address6(text.substr(0, slash));
  text.remove_prefix(slash + 1);
  const auto length = take_number(text, 128);
  if (!address || !length || *length == 0 || !text.empty()) return std::nullopt;
  if (address->is_unspecified() || address->is_loopback() || address->is_multicast() ||
      address->is_link_local_v6() || address->is_v4())
    return std::nullopt;
  return Ipv6Prefix{*address, static_cast<uint8_t>(*length)};
}

}  // namespace plumbline::net
