// What the layers above do not offer yet.
#include "arch/x86_64/application.hh"
#include "arch/x86_64/trap_frame.hh"
#include "core/panic.hh"
#include "core/per_cpu.hh"
#include "memory/address_space.hh"

namespace plumbline {

[[gnu::weak]] FaultOutcome address_space::resolve_fault(std::uint64_t, Access) {
  return FaultOutcome::kNotMapped;
}

[[gnu::weak]] void application_fault(TrapFrame& frame, std::uint64_t address, FaultOutcome) {
  panic_at(frame, "exception %lu in a program, address %#lx", frame.vector, address);
}

extern "C" [[gnu::weak]] void application_work(TrapFrame*) {
  this_cpu().application->work.store(0, std::memory_order_relaxed);
}

}  // namespace plumbline
