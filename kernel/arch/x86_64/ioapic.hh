// I/O APICs: pins for devices without MSI.
#pragma once

#include <cstdint>

#include "arch/x86_64/interrupts.hh"

namespace plumbline::ioapic {

// Declares an I/O APIC, found in ACPI's MADT: its registers' physical address and its first global
// interrupt.
void add(std::uint64_t address, std::uint32_t first_gsi);
bool route(unsigned gsi, unsigned vector, std::uint32_t apic_id, Trigger trigger);

}  // namespace plumbline::ioapic
