// A program's exceptions become signals.
#include "arch/x86_64/application.hh"
#include "arch/x86_64/interrupts.hh"
#include "arch/x86_64/trap_frame.hh"
#include "core/log.hh"
#include "core/panic.hh"
#include "linux/signal/signal_numbers.hh"
#include "linux/signal/signals.hh"
#include "linux/task.hh"
#include "linux/threads/exit.hh"
#include "memory/address_space.hh"

namespace plumbline {
namespace {

using namespace linux_abi;

// SDM volume 3, 6.15.
enum Vector : std::uint64_t {
  kDivide = 0,
  kDebug = 1,
  kBreakpoint = 3,
  kInvalidOpcode = 6,
  kStackSegment = 12,
  kPageFault = 14,
  kX87 = 16,
  kAlignment = 17,
  kSimd = 19,
};
// The page fault's error code says that user code did it; programs here run at kernel privileges.
constexpr std::uint64_t kFaultUser = 4;

// si_code (Linux, include/uapi/asm-generic/siginfo.h).
constexpr int kSegvNotMapped = 1, kSegvNotAllowed = 2, kBusAlignment = 1, kBusBeyondObject = 2,
              kIllegalOperand = 2, kTraceTrap = 2, kFloatIntegerDivide = 1, kFloatDivide = 3,
              kFloatOverflow = 4, kFloatUnderflow = 5, kFloatInexact = 6, kFloatInvalid = 7;

// The exceptions that are not masked, as x87's status word and MXCSR number them.
int float_code(unsigned exceptions) {
  if ((exceptions & 0x01) != 0) return kFloatInvalid;
  if ((exceptions & 0x04) != 0) return kFloatDivide;
  if ((exceptions & 0x08) != 0) return kFloatOverflow;
  if ((exceptions & 0x12) != 0) return kFloatUnderflow;  // a denormal operand as well
  if ((exceptions & 0x20) != 0) return kFloatInexact;
  return kFloatInvalid;
}

int x87_code() {
  std::uint16_t control, status;
  asm volatile("fnstcw %0" : "=m"(control));
  asm volatile("fnstsw %0" : "=m"(status));
  return float_code(status & ~unsigned{control} & 0x3f);
}

int simd_code() {
  std::uint32_t value;
  asm volatile("stmxcsr %0" : "=m"(value));
  return float_code(value & ~(value >> 7) & 0x3f);
}

SignalInformation fault_signal(unsigned signal, int code, std::uint64_t address) {
  SignalInformation information{};
  information.signal = static_cast<std::int32_t>(signal);
  information.code = code;
  information.fields[0] = address;
  return information;
}

SignalInformation signal_of(const TrapFrame& frame, std::uint64_t address, FaultOutcome outcome) {
  switch (frame.vector) {
    case kDivide:
      return fault_signal(kSIGFPE, kFloatIntegerDivide, frame.rip);
    case kDebug:
      return fault_signal(kSIGTRAP, kTraceTrap, frame.rip);
    case kBreakpoint:
      return fault_signal(kSIGTRAP, kCodeKernel, 0);
    case kInvalidOpcode:
      return fault_signal(kSIGILL, kIllegalOperand, frame.rip);
    case kStackSegment:
      return fault_signal(kSIGBUS, kCodeKernel, 0);
    case kPageFault:
      if (outcome == FaultOutcome::kBeyondObject)
        return fault_signal(kSIGBUS, kBusBeyondObject, address);
      return fault_signal(kSIGSEGV,
                          outcome == FaultOutcome::kNotAllowed ? kSegvNotAllowed : kSegvNotMapped,
                          address);
    case kX87:
      return fault_signal(kSIGFPE, x87_code(), frame.rip);
    case kAlignment:
      return fault_signal(kSIGBUS, kBusAlignment, 0);
    case kSimd:
      return fault_signal(kSIGFPE, simd_code(), frame.rip);
    default:
      return fault_signal(kSIGSEGV, kCodeKernel, 0);
  }
}

}  // namespace

void application_fault(TrapFrame& frame, std::uint64_t address, FaultOutcome outcome) {
  ApplicationState& state = current()->application;
  if (state.task == nullptr) {
    panic_at(frame, "exception %lu in a thread without a program, address %#lx", frame.vector,
             address);
  }
  state.trap = {frame.vector, frame.error | (frame.vector == kPageFault ? kFaultUser : 0), address};
  if (outcome == FaultOutcome::kOutOfMemory) {
    const Task& task = current_task();
    log_error("%s: process %u: out of memory, at address %#lx: the program ends",
              task.process->executable_path, task.process->id, address);
    unmask_interrupts();
    end_process(kSIGKILL);
  }
  // Kernel addresses are no program's.
  force_signal(signal_of(frame, address, outcome));
}

}  // namespace plumbline
