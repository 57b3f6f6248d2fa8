// What happens between the kernel and the program's code: signals, calls that are made again, and
// the return from a handler.
#include <cstring>

#include "arch/x86_64/application.hh"
#include "arch/x86_64/trap_frame.hh"
#include "core/per_cpu.hh"
#include "linux/call.hh"
#include "linux/entry/stub_places.hh"
#include "linux/signal/frame.hh"
#include "linux/signal/signal_numbers.hh"
#include "linux/signal/signals.hh"
#include "linux/task.hh"
#include "linux/threads/exit.hh"
#include "memory/application_memory.hh"

namespace plumbline::linux_abi {
namespace {

// What stands before the return address of a call: `lea 6(%rip),%rcx; jmp *slot(%rip)` in a stub
// (linux/entry/stub_code.hh), `syscall` elsewhere. The slot's distance differs.
constexpr unsigned char kStubCall[] = {0x48, 0x8d, 0x0d, 0x06, 0, 0, 0, 0xff, 0x25};

bool is_in_stub(std::uint64_t return_address) {
  unsigned char before[sizeof kStubCall];
  return return_address >= kStubCallLength &&
         copy_from_application(before, return_address - kStubCallLength, sizeof before) ==
             sizeof before &&
         std::memcmp(before, kStubCall, sizeof before) == 0;
}

// The program makes its call once more.
void call_again(TrapFrame& frame, std::uint64_t number) {
  frame.rip -= is_in_stub(frame.rip) ? kStubCallLength : kSyscallLength;
  frame.rax = number;
}

void force_segmentation_fault() {
  SignalInformation information{};
  information.signal = static_cast<std::int32_t>(kSIGSEGV);
  information.code = kCodeKernel;
  force_signal(information);
}

Result<long> call_rt_sigreturn() {
  TrapFrame& frame = application_frame();
  // What is restored is no call's result, whatever its number.
  frame.vector = 0;
  if (!leave_handler(frame)) force_segmentation_fault();
  return static_cast<long>(frame.rax);
}

LINUX_CALL_WITH_REGISTERS(15, rt_sigreturn, call_rt_sigreturn);

}  // namespace
}  // namespace plumbline::linux_abi

namespace plumbline {

extern "C" void application_work(TrapFrame* frame) {
  using namespace linux_abi;
  ApplicationState& state = current()->application;
  if (state.task == nullptr) {
    // A kernel thread that runs code below, which only tests do.
    state.work.store(0, std::memory_order_relaxed);
    return;
  }
  bool interrupted =
      frame->vector == kCallVector && static_cast<long>(frame->rax) == to_register(Errno::kRestart);
  const std::uint64_t number = frame->error;
  // Once: the frame is no call's any more when another signal comes.
  frame->vector = 0;
  SignalInformation information;
  SignalAction action;
  while (take_signal(information, action)) {
    if (interrupted) {
      interrupted = false;
      if ((action.flags & kActionRestart) != 0) {
        call_again(*frame, number);
      } else {
        frame->rax = static_cast<std::uint64_t>(to_register(Errno::kEINTR));
      }
    }
    if (!enter_handler(*frame, information, action)) {
      // No room for a frame: a handler of SIGSEGV may have its own stack, unless it is the one.
      if (static_cast<unsigned>(information.signal) == kSIGSEGV) end_process(kSIGSEGV);
      force_segmentation_fault();
    }
  }
  // A default action that goes on (SIGCHLD, SIGCONT) interrupts nothing.
  if (interrupted) call_again(*frame, number);
}

}  // namespace plumbline
