// The list of an object's system call instructions that can be replaced. Made with the image, named
// /.plumbline/sites/<build-id>.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace plumbline::linux_abi {

// Consecutive whole instructions around one `syscall`, which nothing jumps into the middle of and
// which, that one apart, work at any address.
struct CallSite {
  std::uint32_t window;  // ELF virtual address
  std::uint8_t length;   // 5 to 15 bytes
  std::uint8_t offset;   // of the `syscall` (2 bytes) in the window
};

// Little endian: "PLSITES1", the count (4 bytes), then for each site its window (4), length (1),
// offset (1) and two bytes of zero, in the order of addresses. The bytes stay the caller's.
class SiteList {
 public:
  // Checks everything that can be checked without the object. Empty: it is no such list.
  static std::optional<SiteList> parse(std::span<const std::byte> bytes);

  std::size_t count() const { return records_.size() / kRecord; }
  CallSite operator[](std::size_t index) const;

 private:
  static constexpr std::size_t kHeader = 12, kRecord = 8;

  explicit SiteList(std::span<const std::byte> records) : records_(records) {}

  std::span<const std::byte> records_;
};

}  // namespace plumbline::linux_abi
