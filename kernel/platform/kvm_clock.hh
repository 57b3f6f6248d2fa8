// KVM's paravirtual clock (Linux, Documentation/virt/kvm/x86/msr.rst: MSR_KVM_SYSTEM_TIME_NEW and
// MSR_KVM_WALL_CLOCK_NEW). Used for the TSC's frequency and the wall clock; time itself is read
// from the TSC.
#pragma once

#include <cstdint>

#include "core/units.hh"

namespace plumbline {

// 0 when the host does not fill in the clock.
std::uint64_t kvm_clock_tsc_khz();
// Nanoseconds since 1970 now; 0 when the host does not fill in the clock.
Nanoseconds kvm_clock_wall_now();

}  // namespace plumbline
