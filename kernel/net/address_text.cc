#include "net/address_text.hh"

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

}  // namespace plumbline::net
