// The sizes that the heap rounds requests up to. Portable.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace plumbline {

// Steps of 16 up to 128, then four sizes for each doubling: at most a fifth of an object is wasted
// above 128 bytes. From 192 on all sizes are multiples of 64, and so are the objects' addresses.
inline constexpr std::array<std::uint16_t, 24> kSizeClasses{
    16,  32,  48,  64,  80,  96,  112,  128,  160,  192,  256,  320,
    384, 448, 512, 640, 768, 896, 1024, 1280, 1536, 1792, 2048, 2688};
inline constexpr std::size_t kLargestSmallSize = kSizeClasses.back();

namespace size_class_detail {
constexpr auto make_table() {
  // One entry for each 16 bytes.
  std::array<std::uint8_t, kLargestSmallSize / 16 + 1> table{};
  std::size_t size_class = 0;
  for (std::size_t i = 0; i < table.size(); ++i) {
    while (kSizeClasses[size_class] < i * 16) ++size_class;
    table[i] = static_cast<std::uint8_t>(size_class);
  }
  return table;
}
inline constexpr auto kTable = make_table();
}  // namespace size_class_detail

// The class of the smallest size that holds `bytes`, which is at most kLargestSmallSize.
constexpr std::size_t size_class_for(std::size_t bytes) {
  return size_class_detail::kTable[(bytes + 15) / 16];
}

}  // namespace plumbline
