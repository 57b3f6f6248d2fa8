#include "arch/x86_64/application.hh"
#include "arch/x86_64/application_access.h"
#include "arch/x86_64/cpu.hh"
#include "arch/x86_64/interrupts.hh"
#include "arch/x86_64/trap_frame.hh"
#include "core/panic.hh"
#include "core/per_cpu.hh"
#include "memory/address_space.hh"
#include "memory/application_memory.hh"

namespace plumbline {
namespace {

constexpr const char* kNames[32] = {"division by zero",
                                    "debug",
                                    "NMI",
                                    "breakpoint",
                                    "overflow",
                                    "bound range",
                                    "invalid opcode",
                                    "no FPU",
                                    "double fault",
                                    nullptr,
                                    "invalid TSS",
                                    "segment not present",
                                    "stack segment",
                                    "general protection",
                                    "page fault",
                                    nullptr,
                                    "x87",
                                    "alignment check",
                                    "machine check",
                                    "SIMD"};

constexpr unsigned kGeneralProtection = 13, kPageFault = 14;
constexpr std::uint64_t kFaultWrite = 2, kFaultFetch = 16;

// An instruction of application_access.S that may fault.
struct Fixup {
  std::uint64_t at, resume, kind;
};

extern "C" const Fixup __start_application_fixups[], __stop_application_fixups[];

const Fixup* find_fixup(std::uint64_t rip) {
  for (const Fixup* f = __start_application_fixups; f != __stop_application_fixups; ++f) {
    if (f->at == rip) return f;
  }
  return nullptr;
}

// The address space may sleep, so handlers run again meanwhile; the fault's address is in the
// caller's hands, since the next fault overwrites CR2.
FaultOutcome resolve(const TrapFrame& frame, std::uint64_t address) {
  if (address >= kApplicationEnd) return FaultOutcome::kNotMapped;
  unmask_interrupts();
  const FaultOutcome outcome =
      address_space::resolve_fault(address, (frame.error & kFaultFetch) != 0   ? Access::kExecute
                                            : (frame.error & kFaultWrite) != 0 ? Access::kWrite
                                                                               : Access::kRead);
  mask_interrupts();
  return outcome;
}

// The kernel touched a program's memory. False: it was something else that faulted.
bool fixed_up(TrapFrame& frame, std::uint64_t address) {
  const Fixup* fixup = find_fixup(frame.rip);
  // A copy also has a kernel's side, where nothing may fault.
  if (fixup == nullptr || address >= kApplicationEnd) return false;
  // Who is masked gets less than was asked for, and makes the page when it may sleep.
  if (fixup->kind == FIXUP_ON_DEMAND && frame.interrupts_enabled != 0 &&
      resolve(frame, address) == FaultOutcome::kResolved)
    return true;
  frame.rip = fixup->resume;
  return true;
}

[[noreturn]] void kernel_exception(const TrapFrame& frame, std::uint64_t address) {
  if (frame.rsp - 1024 < this_cpu().stack_limit) {
    panic_at(frame, "kernel stack overflow (stack pointer %#lx, stack begins at %#lx)", frame.rsp,
             this_cpu().stack_limit);
  }
  if (frame.vector == kPageFault) {
    const char* access = (frame.error & kFaultFetch) != 0   ? "execution of"
                         : (frame.error & kFaultWrite) != 0 ? "write to"
                                                            : "read from";
    panic_at(frame, "page fault: %s %#lx%s", access, address,
             address < 4096 ? " (a null pointer)" : "");
  }
  const char* name = kNames[frame.vector & 31];
  panic_at(frame, "exception %lu (%s), error code %#lx", frame.vector,
           name != nullptr ? name : "reserved", frame.error);
}

}  // namespace

// From entry.S, masked, on the kernel stack of the thread that caused it. Kernel code faults only
// where it touches a program's memory; everything else is the end.
extern "C" void exception_entry(TrapFrame* frame) {
  const std::uint64_t address = frame->vector == kPageFault ? read_cr2() : 0;
  if (frame->from_application()) {
    FaultOutcome outcome = FaultOutcome::kNotMapped;
    if (frame->vector == kPageFault) {
      outcome = resolve(*frame, address);
      if (outcome == FaultOutcome::kResolved) return;
    }
    application_fault(*frame, address, outcome);
    return;
  }
  if (frame->vector == kPageFault && fixed_up(*frame, address)) return;
  if (frame->vector == kGeneralProtection) {
    // A program's vector state that the CPU does not load.
    if (const Fixup* fixup = find_fixup(frame->rip); fixup != nullptr) {
      frame->rip = fixup->resume;
      return;
    }
  }
  kernel_exception(*frame, address);
}

}  // namespace plumbline
