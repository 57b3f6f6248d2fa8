#include "linux/entry/stub_code.hh"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <optional>

#include "core/units.hh"

namespace plumbline::linux_abi {
namespace {

constexpr std::byte kSyscall[] = {std::byte{0x0f}, std::byte{0x05}};
// lea 6(%rip), %rcx: over the jump that follows.
constexpr std::byte kLoadReturn[] = {std::byte{0x48}, std::byte{0x8d}, std::byte{0x0d},
                                     std::byte{6},    std::byte{0},    std::byte{0},
                                     std::byte{0}};
constexpr std::byte kJumpThrough[] = {std::byte{0xff}, std::byte{0x25}};
constexpr std::byte kJump{0xe9}, kReturn{0xc3}, kTrap{0xcc};
constexpr std::size_t kJumpLength = 5, kDistance = 4;
constexpr std::size_t kCallLength = sizeof kLoadReturn + sizeof kJumpThrough + kDistance;
static_assert(kCallLength == kStubCallLength && sizeof kSyscall == kSyscallLength);
constexpr std::size_t kSlotLength = sizeof(std::uint64_t);
constexpr std::size_t kLongestWindow = 15;

// One for each site, and what follows stays aligned.
constexpr std::size_t slots_length(std::size_t sites) {
  return align_up(sites * kSlotLength, std::size_t{16});
}

constexpr std::size_t stub_length(const CallSite& site) {
  return site.length - sizeof kSyscall + kCallLength + kJumpLength;
}

// The distance as a jump that ends at `from` has it; empty: out of reach. Addresses are below 2^48.
std::optional<std::int32_t> distance(std::uint64_t from, std::uint64_t to) {
  const auto value = static_cast<std::int64_t>(to - from);
  if (value < std::numeric_limits<std::int32_t>::min() ||
      value > std::numeric_limits<std::int32_t>::max())
    return {};
  return static_cast<std::int32_t>(value);
}

// Writes code one after the other.
class Writer {
 public:
  Writer(std::span<std::byte> to, std::uint64_t address) : to_(to), address_(address) {}

  void put(std::span<const std::byte> bytes) {
    std::copy(bytes.begin(), bytes.end(), to_.begin());
    to_ = to_.subspan(bytes.size());
    address_ += bytes.size();
  }
  // The distance to `target` from the end of its own four bytes; false: out of reach.
  bool put_distance(std::uint64_t target) {
    const auto value = distance(address_ + kDistance, target);
    if (!value) return false;
    std::array<std::byte, kDistance> bytes;
    std::memcpy(bytes.data(), &*value, sizeof *value);
    put(bytes);
    return true;
  }

 private:
  std::span<std::byte> to_;
  std::uint64_t address_;
};

// Bytes that may go over the end of a page.
class Window {
 public:
  // False: a page cannot be had.
  bool find(CodePages& pages, std::uint64_t offset, std::size_t length) {
    length_ = length;
    for (std::size_t i = 0; i < length; ++i) {
      const std::uint64_t at = offset + i;
      if (i == 0 || at % kPageSize == 0) page_ = pages.page(at / kPageSize);
      if (page_ == nullptr) return false;
      places_[i] = page_ + at % kPageSize;
    }
    return true;
  }
  std::array<std::byte, kLongestWindow> read() const {
    std::array<std::byte, kLongestWindow> bytes{};
    for (std::size_t i = 0; i < length_; ++i) bytes[i] = *places_[i];
    return bytes;
  }
  // The byte behind it; a trap when that lies on another page, which need not be had.
  std::byte next(std::uint64_t offset) const {
    return (offset + length_) % kPageSize != 0 ? *(places_[length_ - 1] + 1) : kTrap;
  }
  void write(std::span<const std::byte> bytes) {
    for (std::size_t i = 0; i < length_; ++i) *places_[i] = bytes[i];
  }

 private:
  std::byte* page_ = nullptr;
  std::size_t length_ = 0;
  std::array<std::byte*, kLongestWindow> places_;
};

// The number of the call that `before` leads to, or kCallNumbers: it is known where nothing but
// `mov $number, %eax` stands there, as in most of glibc.
std::size_t call_number(std::span<const std::byte> before) {
  constexpr std::byte kLoadNumber{0xb8};
  std::uint32_t number = kCallNumbers;
  if (before.size() == 1 + sizeof number && before[0] == kLoadNumber)
    std::memcpy(&number, &before[1], sizeof number);
  return std::min<std::size_t>(number, kCallNumbers);
}

// `stub` lies at address `at`, and its slot at `slot_at`. Nothing is changed in the object unless
// all of it can be done.
bool replace(const CallSite& site, const ObjectLayout& layout, std::span<std::byte> stub,
             std::uint64_t at, std::span<std::byte> slot, std::uint64_t slot_at,
             const CallEntries& entries, CodePages& pages) {
  const auto offset = layout.code_offset(site.window, site.length);
  Window window;
  if (!offset || !window.find(pages, *offset, site.length)) return false;
  const auto code = window.read();
  const auto before = std::span(code).first(site.offset);
  const auto after = std::span(code).first(site.length).subspan(site.offset + sizeof kSyscall);
  if (std::memcmp(code.data() + site.offset, kSyscall, sizeof kSyscall) != 0) return false;

  Writer writer(stub, at);
  writer.put(before);
  writer.put(kLoadReturn);
  writer.put(kJumpThrough);
  if (!writer.put_distance(slot_at)) return false;
  writer.put(after);
  // Wrappers of calls that cannot fail return at once: one jump less.
  if (layout.code_offset(site.window, site.length + 1u) && window.next(*offset) == kReturn) {
    constexpr std::byte kEnd[kJumpLength] = {kReturn, kTrap, kTrap, kTrap, kTrap};
    writer.put(kEnd);
  } else {
    writer.put(std::span(&kJump, 1));
    if (!writer.put_distance(std::uint64_t{site.window} + site.length)) return false;
  }

  std::array<std::byte, kLongestWindow> jump;
  jump.fill(kTrap);
  Writer jump_writer(jump, site.window);
  jump_writer.put(std::span(&kJump, 1));
  if (!jump_writer.put_distance(at)) return false;
  std::memcpy(slot.data(), &entries[call_number(before)], kSlotLength);
  window.write(jump);
  return true;
}

}  // namespace

std::uint64_t stub_area_size(const SiteList& sites) {
  std::uint64_t size = slots_length(sites.count());
  for (std::size_t i = 0; i < sites.count(); ++i) size += stub_length(sites[i]);
  return align_up(size, kPageSize);
}

StubCounts write_stubs(const SiteList& sites, const ObjectLayout& layout,
                       const CallEntries& entries, std::span<std::byte> area, CodePages& pages,
                       std::span<StubPlace> places) {
  StubCounts counts;
  // In the object's own addresses, which begin where the area ends; only distances matter, so they
  // may be negative (modulo 2^64).
  const std::uint64_t begin = layout.begin() - area.size();
  std::size_t used = slots_length(sites.count());
  for (std::size_t i = 0; i < sites.count(); ++i) {
    const CallSite site = sites[i];
    const auto stub = area.subspan(used, stub_length(site));
    const auto slot = area.subspan(counts.replaced * kSlotLength, kSlotLength);
    const std::uint64_t slot_at = begin + counts.replaced * kSlotLength;
    if (replace(site, layout, stub, begin + used, slot, slot_at, entries, pages)) {
      places[counts.replaced++] = {site, static_cast<std::uint32_t>(used)};
      used += stub.size();
    } else {
      std::fill(stub.begin(), stub.end(), std::byte{0});
      ++counts.refused;
    }
  }
  return counts;
}

}  // namespace plumbline::linux_abi
