#include "drivers/virtio/mmio_parameter.hh"

#include <charconv>

namespace plumbline::virtio {
namespace {

// Takes a number from the front of `text`.
bool take_number(std::string_view& text, uint64_t& value) {
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    base = 16;
    text.remove_prefix(2);
  }
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{}) return false;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return true;
}

bool take_character(std::string_view& text, char character) {
  if (!text.starts_with(character)) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

std::optional<MmioParameter> parse_mmio_parameter(std::string_view text) {
  uint64_t size = 0, base = 0, gsi = 0, id = 0;
  if (!take_number(text, size)) return std::nullopt;
  if (size > 1 << 20) return std::nullopt;
  if (take_character(text, 'K') || take_character(text, 'k')) size <<= 10;
  if (take_character(text, 'M') || take_character(text, 'm')) size <<= 20;
  if (!take_character(text, '@') || !take_number(text, base)) return std::nullopt;
  if (!take_character(text, ':') || !take_number(text, gsi)) return std::nullopt;
  if (take_character(text, ':') && !take_number(text, id)) return std::nullopt;
  if (!text.empty()) return std::nullopt;
  constexpr uint64_t kGiB = uint64_t{1} << 30;
  if (size < 0x100 || size > 1 << 20 || base % 4 != 0 || base < 3 * kGiB ||
      base > 4 * kGiB - size || gsi > 1023)
    return std::nullopt;
  return MmioParameter{size, base, static_cast<unsigned>(gsi)};
}

}  // namespace plumbline::virtio
