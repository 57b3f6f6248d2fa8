#include "platform/acpi.hh"

#include <doctest/doctest.h>

#include <cstring>
#include <random>
#include <vector>

#include "core/byte_order.hh"

using namespace plumbline;

namespace {

// Physical memory of the test; a view outside of it is empty.
std::vector<std::byte> memory;
constexpr std::uint64_t kBase = 0x1000;

std::span<const std::byte> view(std::uint64_t address, std::size_t size) {
  if (address < kBase || address - kBase > memory.size() ||
      size > memory.size() - (address - kBase))
    return {};
  return std::span<const std::byte>(memory).subspan(address - kBase, size);
}

std::byte* at(std::uint64_t address) { return memory.data() + (address - kBase); }

void fix_checksum(std::uint64_t address, std::size_t size, std::size_t field) {
  *at(address + field) = std::byte{0};
  unsigned sum = 0;
  for (std::size_t i = 0; i < size; ++i) sum += static_cast<unsigned>(*at(address + i));
  *at(address + field) = static_cast<std::byte>(256 - sum % 256);
}

void table(std::uint64_t address, const char* signature, const std::vector<unsigned char>& body) {
  std::memcpy(at(address), signature, 4);
  store_le32(at(address + 4), static_cast<std::uint32_t>(36 + body.size()));
  std::memcpy(at(address + 36), body.data(), body.size());
  fix_checksum(address, 36 + body.size(), 9);
}

// RSDP at 0x1000, XSDT at 0x1100, MADT at 0x1200.
void build() {
  memory.assign(4096, std::byte{0});
  std::memcpy(at(0x1000), "RSD PTR ", 8);
  *at(0x100f) = std::byte{2};
  store_le64(at(0x1018), 0x1100);
  fix_checksum(0x1000, 20, 8);
  table(0x1100, "XSDT",
        {0, 0x12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x70, 0, 0, 0, 0});      // the second is nowhere
  table(0x1200, "APIC", {0, 0,  0, 0, 0, 0, 0,    0,                  // address, flags
                         0, 8,  0, 0, 1, 0, 0,    0,                  // cpu 0
                         0, 8,  1, 5, 1, 0, 0,    0,                  // cpu 5
                         0, 8,  2, 6, 0, 0, 0,    0,                  // disabled
                         1, 12, 0, 0, 0, 0, 0xc0, 0xfe, 24, 0, 0, 0,  // I/O APIC
                         9, 16, 0, 0, 0, 1, 0,    0,    1,  0, 0, 0, 0, 0, 0, 0});  // cpu 256
}

}  // namespace

TEST_CASE("finds tables and reads the MADT") {
  build();
  acpi::Tables tables;
  tables.find(0x1000, view);
  REQUIRE(tables.all().size() == 1);
  CHECK(tables.table("MCFG").empty());
  const acpi::Processors processors = acpi::read_madt(tables.table("APIC"));
  REQUIRE(processors.count == 3);
  CHECK(processors.apic_ids[0] == 0);
  CHECK(processors.apic_ids[1] == 5);
  CHECK(processors.apic_ids[2] == 256);
  REQUIRE(processors.ioapic_count == 1);
  CHECK(processors.ioapics[0].address == 0xfec00000);
  CHECK(processors.ioapics[0].first_gsi == 24);
}

TEST_CASE("a damaged table is not used") {
  build();
  *at(0x1240) = std::byte{0x77};
  acpi::Tables tables;
  tables.find(0x1000, view);
  CHECK(tables.all().empty());
  CHECK(acpi::read_madt({}).count == 0);
}

TEST_CASE("random damage never reads outside") {
  // The address sanitizer watches; checksums are repaired so that the damage gets through to the
  // parsers.
  std::mt19937 random(11);
  for (int round = 0; round < 20000; ++round) {
    build();
    for (int i = 0; i < 4; ++i) *at(0x1000 + random() % 0x300) = static_cast<std::byte>(random());
    if (random() % 4 != 0) {
      std::memcpy(at(0x1000), "RSD PTR ", 8);
      fix_checksum(0x1000, 20, 8);
      for (const std::uint64_t address : {0x1100, 0x1200}) {
        const std::uint32_t length = load_le32(at(address + 4));
        if (length >= 36 && length <= 0x5000 - address - 0x3000) fix_checksum(address, length, 9);
      }
    }
    acpi::Tables tables;
    tables.find(0x1000, view);
    const auto madt = tables.table("APIC");
    // An exact copy, so that a byte too far is noticed.
    const std::vector<std::byte> copy(madt.begin(), madt.end());
    const acpi::Processors processors = acpi::read_madt(copy);
    CHECK(processors.count <= processors.apic_ids.size());
  }
}
