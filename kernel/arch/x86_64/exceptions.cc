#include "arch/x86_64/cpu.hh"
#include "arch/x86_64/trap_frame.hh"
#include "core/panic.hh"
#include "core/per_cpu.hh"

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

constexpr unsigned kPageFault = 14;
constexpr std::uint64_t kFaultWrite = 2, kFaultFetch = 16;

}  // namespace

// From entry.S. Nothing in the kernel faults on purpose, so every exception is the end.
extern "C" void exception_entry(TrapFrame* frame) {
  const char* name = kNames[frame->vector & 31];
  if (frame->rsp - 1024 < this_cpu().stack_limit) {
    panic_at(*frame, "kernel stack overflow (stack pointer %#lx, stack begins at %#lx)", frame->rsp,
             this_cpu().stack_limit);
  }
  if (frame->vector == kPageFault) {
    const char* access = (frame->error & kFaultFetch) != 0   ? "execution of"
                         : (frame->error & kFaultWrite) != 0 ? "write to"
                                                             : "read from";
    const std::uint64_t address = read_cr2();
    panic_at(*frame, "page fault: %s %#lx%s", access, address,
             address < 4096 ? " (a null pointer)" : "");
  }
  panic_at(*frame, "exception %lu (%s), error code %#lx", frame->vector,
           name != nullptr ? name : "reserved", frame->error);
}

}  // namespace plumbline
