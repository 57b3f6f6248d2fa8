// What the guest runs on, found out at boot.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/units.hh"

namespace plumbline {

// Filled in by start.S before the first line of C++; it knows the layout.
struct BootRecord {
  std::uint64_t entry_tsc;             // at the kernel's first instruction
  std::uint32_t start_info;            // physical address of the PVH start info
  std::uint32_t hypervisor_signature;  // EBX of CPUID leaf 0x40000000
  std::uint32_t kvm_features;          // EAX of leaf 0x40000001, on KVM
  std::uint32_t is_kvm_pvm;
};
extern "C" BootRecord boot_record;

enum class PlatformKind : std::uint8_t { kTcg, kKvm, kKvmPvm, kUnknown };

struct Platform {
  PlatformKind kind = PlatformKind::kUnknown;
  const char* name = "unknown";
  bool x2apic = false;
  bool tsc_deadline = false;
  bool kvm_clock = false;
  // TSC frequency if the platform tells it, else 0.
  std::uint64_t tsc_khz = 0;
};

// Detects the platform; called once, first.
void detect_platform();
const Platform& platform();

// Wall clock, nanoseconds since 1970 at the time of the call; 0 when the platform has none.
Nanoseconds read_platform_wall_clock();

// Writes to the first serial port, polling. Each byte may cost an exit of 35 us.
void serial_write(std::span<const char> text);

// Ends the guest through the debug-exit device, or failing that halts for ever.
[[noreturn]] void leave_guest(std::uint8_t code);

}  // namespace plumbline
