// The input is physical memory from 0x1000 on, RSDP first. Checksums are repaired as the tables are
// viewed, so that damage reaches the parsers.
#include <cstdint>
#include <cstring>
#include <vector>

#include "core/byte_order.hh"
#include "platform/acpi.hh"

namespace {

constexpr std::uint64_t kBase = 0x1000;
std::vector<std::byte> memory;

void repair(std::span<std::byte> bytes, std::size_t field) {
  if (field >= bytes.size()) return;
  bytes[field] = std::byte{0};
  unsigned sum = 0;
  for (const std::byte b : bytes) sum += static_cast<unsigned>(b);
  bytes[field] = static_cast<std::byte>(256 - sum % 256);
}

std::span<const std::byte> view(std::uint64_t address, std::size_t size) {
  if (address < kBase || address - kBase > memory.size() ||
      size > memory.size() - (address - kBase)) {
    return {};
  }
  const auto bytes = std::span(memory).subspan(address - kBase, size);
  if (address == kBase && size == 20) repair(bytes, 8);
  if (size > 36 && address != kBase) repair(bytes, 9);
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  memory.resize(size);
  if (size != 0) std::memcpy(memory.data(), data, size);
  if (size >= 8) std::memcpy(memory.data(), "RSD PTR ", 8);
  plumbline::acpi::Tables tables;
  tables.find(kBase, view);
  for (const auto table : tables.all()) {
    // An exact copy, so that a byte too far is noticed.
    const std::vector<std::byte> copy(table.begin(), table.end());
    const plumbline::acpi::Processors processors = plumbline::acpi::read_madt(copy);
    if (processors.count > processors.apic_ids.size()) __builtin_trap();
  }
  return 0;
}
