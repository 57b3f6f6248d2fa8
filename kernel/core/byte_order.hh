// Integers in network byte order, and loads and stores without alignment.
#pragma once

#include <bit>
#include <compare>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace plumbline {

static_assert(std::endian::native == std::endian::little);

template <std::unsigned_integral T>
constexpr T byte_swap(T value) {
  if constexpr (sizeof(T) == 1) return value;
  if constexpr (sizeof(T) == 2) return __builtin_bswap16(value);
  if constexpr (sizeof(T) == 4) return __builtin_bswap32(value);
  if constexpr (sizeof(T) == 8) return __builtin_bswap64(value);
}

// An integer kept in network byte order, so that a header field cannot be used as a number by
// accident. It has alignment 1: a packet's headers start where the packet says, not where the
// machine likes.
template <std::unsigned_integral T>
class [[gnu::packed]] BigEndian {
 public:
  BigEndian() = default;
  constexpr BigEndian(T host) : raw_(byte_swap(host)) {}
  // The number, in the machine's order.
  constexpr T get() const { return byte_swap(raw_); }
  constexpr operator T() const { return get(); }
  // The bytes as they are on the wire, for checksums and for comparing without a swap.
  constexpr T raw() const { return raw_; }
  static constexpr BigEndian from_raw(T raw) {
    BigEndian result;
    result.raw_ = raw;
    return result;
  }

 private:
  T raw_;
};

using Be16 = BigEndian<std::uint16_t>;
using Be32 = BigEndian<std::uint32_t>;
using Be64 = BigEndian<std::uint64_t>;
static_assert(alignof(Be32) == 1 && sizeof(Be32) == 4);

// Reads a T in the machine's order from any address.
template <typename T>
inline T load_unaligned(const void* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

// Writes a T in the machine's order to any address.
template <typename T>
inline void store_unaligned(void* to, T value) {
  std::memcpy(to, &value, sizeof value);
}

inline std::uint16_t load_be16(const void* p) {
  return byte_swap(load_unaligned<std::uint16_t>(p));
}
inline std::uint32_t load_be32(const void* p) {
  return byte_swap(load_unaligned<std::uint32_t>(p));
}
inline std::uint64_t load_be64(const void* p) {
  return byte_swap(load_unaligned<std::uint64_t>(p));
}
inline std::uint16_t load_le16(const void* p) { return load_unaligned<std::uint16_t>(p); }
inline std::uint32_t load_le32(const void* p) { return load_unaligned<std::uint32_t>(p); }
inline std::uint64_t load_le64(const void* p) { return load_unaligned<std::uint64_t>(p); }
inline void store_be16(void* p, std::uint16_t v) { store_unaligned(p, byte_swap(v)); }
inline void store_be32(void* p, std::uint32_t v) { store_unaligned(p, byte_swap(v)); }
inline void store_be64(void* p, std::uint64_t v) { store_unaligned(p, byte_swap(v)); }
inline void store_le16(void* p, std::uint16_t v) { store_unaligned(p, v); }
inline void store_le32(void* p, std::uint32_t v) { store_unaligned(p, v); }
inline void store_le64(void* p, std::uint64_t v) { store_unaligned(p, v); }

}  // namespace plumbline
