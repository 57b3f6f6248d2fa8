// The local APIC: x2APIC through MSRs where there is one, otherwise xAPIC through memory (TCG in
// QEMU 7.2).
#pragma once

#include <cstdint>

#include "core/units.hh"

namespace plumbline::apic {

// How the one-shot timer is programmed.
enum class TimerMode : std::uint8_t { kTscDeadline, kCounter };

// Decides the access and the timer's mode; once, on the boot CPU.
void detect(bool x2apic, bool tsc_deadline);
// Enables the running CPU's APIC with its timer on `timer_vector`, everything else masked; returns
// the APIC id.
std::uint32_t initialise_cpu(std::uint8_t timer_vector);

void end_of_interrupt();
void send_interrupt(std::uint32_t apic_id, std::uint8_t vector);
void send_nmi(std::uint32_t apic_id);
void send_init(std::uint32_t apic_id);
// Starts a CPU at the physical address page * 4096 in real mode.
void send_startup(std::uint32_t apic_id, std::uint8_t page);

// Raises the timer's vector once, when the TSC reaches `tsc`, or earlier: the counter of
// TimerMode::kCounter holds 4 s.
void set_timer(std::uint64_t tsc);

// The TSC's frequency measured against the APIC timer, which runs at 1 GHz on QEMU and KVM.
std::uint64_t measure_tsc_khz();

}  // namespace plumbline::apic
