#include "arch/x86_64/ioapic.hh"

#include <array>

#include "arch/x86_64/mmio.hh"
#include "core/log.hh"
#include "sync/lock_guard.hh"
#include "sync/spinlock.hh"

namespace plumbline::ioapic {
namespace {

constexpr std::uint32_t kVersion = 1;
constexpr std::uint32_t kFirstEntry = 0x10;
constexpr std::uint32_t kLevel = 1 << 15;

struct IoApic {
  VirtualAddress registers;
  std::uint32_t first_gsi;
  std::uint32_t pins;  // 0: not read yet, because reading exits
};

std::array<IoApic, 4> ioapics;
unsigned count;
// An access is two: select a register, then read or write it.
Spinlock lock;

std::uint32_t read(const IoApic& io, std::uint32_t index) {
  mmio_write<std::uint32_t>(io.registers, index);
  return mmio_read<std::uint32_t>(io.registers + 0x10);
}

void write(const IoApic& io, std::uint32_t index, std::uint32_t value) {
  mmio_write<std::uint32_t>(io.registers, index);
  mmio_write<std::uint32_t>(io.registers + 0x10, value);
}

}  // namespace

void add(std::uint64_t address, std::uint32_t first_gsi) {
  if (count == ioapics.size()) {
    log_warning("I/O APIC at %#lx ignored: at most %zu are used", address, ioapics.size());
    return;
  }
  ioapics[count++] = {to_virtual(PhysicalAddress{address}), first_gsi, 0};
}

bool route(unsigned gsi, unsigned vector, std::uint32_t apic_id, Trigger trigger) {
  const LockGuard guard(lock);
  for (unsigned i = 0; i < count; ++i) {
    IoApic& io = ioapics[i];
    if (io.pins == 0) io.pins = (read(io, kVersion) >> 16 & 0xff) + 1;
    if (gsi < io.first_gsi || gsi - io.first_gsi >= io.pins) continue;
    const std::uint32_t entry = kFirstEntry + 2 * (gsi - io.first_gsi);
    write(io, entry + 1, apic_id << 24);
    // Active high, as QEMU's devices are. Written last: it unmasks the pin.
    write(io, entry, vector | (trigger == Trigger::kLevel ? kLevel : 0));
    return true;
  }
  return false;
}

}  // namespace plumbline::ioapic
