// ACPI tables, read with every length checked (ACPI 6.5, chapter 5). Portable: memory is reached
// through a function.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace plumbline::acpi {

// `size` bytes of physical memory at `address`, or an empty span when that is not readable.
using MemoryView = std::span<const std::byte> (*)(std::uint64_t address, std::size_t size);

// The tables that the root table lists. Tables longer than 64 KiB, or more than 32, are ignored.
class Tables {
 public:
  // Follows the RSDP at `rsdp`; stays empty when anything is wrong.
  void find(std::uint64_t rsdp, MemoryView view);
  // The table with this four-letter signature, header included; empty when there is none.
  std::span<const std::byte> table(std::string_view signature) const;
  std::span<const std::span<const std::byte>> all() const { return {tables_.data(), count_}; }

 private:
  std::array<std::span<const std::byte>, 32> tables_{};
  std::size_t count_ = 0;
};

struct IoApicEntry {
  std::uint32_t address;
  std::uint32_t first_gsi;
};

// What the MADT says.
struct Processors {
  std::array<std::uint32_t, 64> apic_ids{};
  std::size_t count = 0;
  std::array<IoApicEntry, 4> ioapics{};
  std::size_t ioapic_count = 0;
};
Processors read_madt(std::span<const std::byte> madt);

}  // namespace plumbline::acpi

namespace plumbline {

// The running machine's table, header included; empty when there is none. Its memory stays
// reserved.
std::span<const std::byte> find_acpi_table(std::string_view signature);

}  // namespace plumbline
