#include "platform/acpi.hh"

#include <cstring>

#include "core/byte_order.hh"

namespace plumbline::acpi {
namespace {

constexpr std::size_t kHeaderSize = 36;
constexpr std::size_t kMaxTableSize = 64 * 1024;

bool checksum_is_zero(std::span<const std::byte> bytes) {
  unsigned sum = 0;
  for (const std::byte b : bytes) sum += static_cast<unsigned>(b);
  return (sum & 0xff) == 0;
}

// The table at `address` with its whole length; empty when anything is wrong.
std::span<const std::byte> read_table(std::uint64_t address, MemoryView view) {
  const auto header = view(address, kHeaderSize);
  if (header.size() < kHeaderSize) return {};
  const std::size_t length = load_le32(header.data() + 4);
  if (length < kHeaderSize || length > kMaxTableSize) return {};
  const auto table = view(address, length);
  if (table.size() < length || !checksum_is_zero(table.first(length))) return {};
  return table.first(length);
}

}  // namespace

void Tables::find(std::uint64_t rsdp_address, MemoryView view) {
  count_ = 0;
  const auto rsdp = view(rsdp_address, 20);
  if (rsdp.size() < 20 || std::memcmp(rsdp.data(), "RSD PTR ", 8) != 0) return;
  if (!checksum_is_zero(rsdp.first(20))) return;
  std::uint64_t root = load_le32(rsdp.data() + 16);
  std::size_t width = 4;
  if (static_cast<unsigned>(rsdp[15]) >= 2) {
    const auto extended = view(rsdp_address, 36);
    if (extended.size() >= 36 && load_le64(extended.data() + 24) != 0) {
      root = load_le64(extended.data() + 24);
      width = 8;
    }
  }
  const auto list = read_table(root, view);
  for (std::size_t at = kHeaderSize; at + width <= list.size() && count_ < tables_.size();
       at += width) {
    const std::uint64_t address =
        width == 8 ? load_le64(list.data() + at) : load_le32(list.data() + at);
    const auto table = read_table(address, view);
    if (!table.empty()) tables_[count_++] = table;
  }
}

std::span<const std::byte> Tables::table(std::string_view signature) const {
  for (const auto& table : all()) {
    if (signature.size() == 4 && std::memcmp(table.data(), signature.data(), 4) == 0) return table;
  }
  return {};
}

Processors read_madt(std::span<const std::byte> madt) {
  constexpr std::uint8_t kLocalApic = 0, kIoApic = 1, kLocalX2Apic = 9;
  constexpr std::uint32_t kEnabled = 1;
  Processors result;
  const auto add = [&](std::uint32_t id) {
    if (result.count < result.apic_ids.size()) result.apic_ids[result.count++] = id;
  };
  // The header is followed by the local APIC's address and flags, then by entries of {type, length,
  // ...}.
  for (std::size_t at = kHeaderSize + 8; at + 2 <= madt.size();) {
    const auto type = static_cast<std::uint8_t>(madt[at]);
    const auto length = static_cast<std::size_t>(madt[at + 1]);
    if (length < 2 || length > madt.size() - at) break;
    const std::byte* entry = madt.data() + at;
    if (type == kLocalApic && length >= 8 && (load_le32(entry + 4) & kEnabled) != 0) {
      add(static_cast<std::uint32_t>(entry[3]));
    } else if (type == kLocalX2Apic && length >= 16 && (load_le32(entry + 8) & kEnabled) != 0) {
      add(load_le32(entry + 4));
    } else if (type == kIoApic && length >= 12 && result.ioapic_count < result.ioapics.size()) {
      result.ioapics[result.ioapic_count++] = {load_le32(entry + 4), load_le32(entry + 8)};
    }
    at += length;
  }
  return result;
}

}  // namespace plumbline::acpi
