// Programs at the kernel's own privilege level: their registers, and the ways into and out of their
// code.
#pragma once

#include <atomic>
#include <cstdint>

namespace plumbline {

// All general registers of a program at the moment it entered the kernel.
struct ApplicationRegisters {
  std::uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
  std::uint64_t rflags, rip, rsp;
};

// What a thread that runs a program has besides a kernel thread; offsets are known to assembly.
struct ApplicationState {
  // Where a program's thread enters the kernel: the stack is empty while it runs its own code.
  std::uint64_t kernel_stack_top = 0;
  // FS belongs to the program (arch_prctl, CLONE_SETTLS).
  std::uint64_t fs_base = 0;
  // XSAVE area, 64-byte aligned; null: the thread never runs a program's code.
  void* vector_area = nullptr;
  // Looked at on every way back into the program's code: kWork... bits.
  std::atomic<std::uint32_t> work{0};
  // linux_abi::Task*
  void* task = nullptr;
};

// A signal may be deliverable, or the thread must end.
inline constexpr std::uint32_t kWorkSignal = 1;

// Gives the running thread what it needs to run programs. False when memory is short.
bool prepare_application_thread();

// Leaves the kernel stack for good and runs a program with these registers. Vector registers and
// FS base are as set before.
[[noreturn]] void enter_application(const ApplicationRegisters& registers);

// The registers of the program whose system call the running thread carries out, as they will be
// restored (RAX from the call's result). Complete only in calls registered with
// LINUX_CALL_WITH_REGISTERS, and in signal delivery.
ApplicationRegisters& call_registers();

// FS base of the running thread.
void set_fs_base(std::uint64_t address);
std::uint64_t fs_base();

// Asks a thread to look at its work flags soon: it is woken from an interruptible wait, or
// interrupted when it runs on another CPU. Callable in interrupt handlers.
class Thread;
void request_attention(Thread& thread, std::uint32_t work);

}  // namespace plumbline
