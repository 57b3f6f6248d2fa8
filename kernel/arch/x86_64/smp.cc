#include "arch/x86_64/smp.hh"

#include <cstring>

#include "arch/x86_64/apic.hh"
#include "arch/x86_64/boot_layout.h"
#include "core/clock.hh"
#include "core/idle.hh"
#include "memory/address.hh"
#include "platform/platform.hh"

extern "C" {
extern const char ap_trampoline[], ap_trampoline_end[];
extern const plumbline::CpuStart* cpu_starts;
extern void (*cpu_start_entry)();
}

namespace plumbline {

void start_cpus(std::span<const std::uint32_t> apic_ids, std::span<const CpuStart> starts,
                void (*entry)()) {
  std::memcpy(to_virtual(PhysicalAddress{AP_PAGE}).as(), ap_trampoline,
              static_cast<std::size_t>(ap_trampoline_end - ap_trampoline));
  cpu_starts = starts.data();
  cpu_start_entry = entry;
  for (const std::uint32_t id : apic_ids) apic::send_init(id);
  if (platform().kind == PlatformKind::kTcg || platform().kind == PlatformKind::kUnknown) {
    // TCG handles INIT asynchronously, and a start-up interrupt that comes before it is lost.
    const Nanoseconds until = monotonic_now() + milliseconds(1);
    while (monotonic_now() < until) cpu_relax();
  }
  start_cpus_again(apic_ids);
}

void start_cpus_again(std::span<const std::uint32_t> apic_ids) {
  for (const std::uint32_t id : apic_ids) apic::send_startup(id, AP_PAGE / kPageSize);
}

}  // namespace plumbline
