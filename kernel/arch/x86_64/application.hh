// Programs at the kernel's own privilege level: their registers, and the ways into and out of their
// code.
#pragma once

#include <atomic>
#include <cstdint>

namespace plumbline {

struct TrapFrame;
enum class FaultOutcome : std::uint8_t;

// All general registers of a program at the moment it entered the kernel.
struct ApplicationRegisters {
  std::uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
  std::uint64_t rflags, rip, rsp;
};

// The last fault of a program's thread, as a signal frame shows it.
struct ApplicationTrap {
  std::uint64_t vector = 0, error = 0, address = 0;
};

namespace paging {
struct ProgramTables;
}

// What a thread that runs a program has besides a kernel thread; offsets are known to assembly.
struct ApplicationState {
  // Looked at on every way back into the program's code: kWork... bits. Others set them, the thread
  // itself clears them.
  std::atomic<std::uint32_t> work{0};
  // The CPU whose vector registers were last this thread's, or kNoCpu.
  std::uint32_t vector_cpu = kNoCpu;
  // FS belongs to the program (arch_prctl, CLONE_SETTLS). While switched out.
  std::uint64_t fs_base = 0;
  // XSAVE area, 64-byte aligned; null: the thread never runs a program's code.
  void* vector_area = nullptr;
  // linux_abi::Task*
  void* task = nullptr;
  // Page tables of its own (program_tables.hh); null: the common ones.
  paging::ProgramTables* tables = nullptr;
  ApplicationTrap trap;

  static constexpr std::uint32_t kNoCpu = ~0u;
};

// A signal may be deliverable, or the thread must end.
inline constexpr std::uint32_t kWorkSignal = 1;

// Prepares system calls and vector registers on the running CPU.
void initialise_application_cpu();

// Gives a thread what it needs to run programs, with the vector registers of the running thread, or
// their initial state when that runs no program. The thread is the running one (which then has
// them loaded) or has not started. False when memory is short.
bool prepare_application_thread(ApplicationState& state);
// Takes it back. The thread has ended, or is about to without returning to its program.
void release_application_thread(ApplicationState& state);

// Leaves the kernel stack for good and runs a program with these registers. Vector registers and
// FS base are as set before.
[[noreturn]] void enter_application(const ApplicationRegisters& registers);

// The registers of the program whose system call the running thread carries out, as they will be
// restored (RAX from the call's result). Complete only in calls registered with
// LINUX_CALL_WITH_REGISTERS, and in signal delivery.
ApplicationRegisters& call_registers();
// The same with what made it: the vector (kCallVector for a system call) and its error code.
TrapFrame& application_frame();

// FS base of the running thread.
inline void set_fs_base(std::uint64_t address) {
  asm volatile("wrfsbase %0" : : "r"(address) : "memory");
}
inline std::uint64_t fs_base() {
  std::uint64_t value;
  asm volatile("rdfsbase %0" : "=r"(value));
  return value;
}

// Asks a thread to look at its work flags soon: it is woken from an interruptible wait, or
// interrupted when it runs on another CPU. Callable in interrupt handlers.
class Thread;
void request_attention(Thread& thread, std::uint32_t work);

// Called upwards, bound at link time (linux/signal):
// A program's exception that nothing could mend becomes a signal. Masked.
void application_fault(TrapFrame& frame, std::uint64_t address, FaultOutcome outcome);
// The running thread is about to return into its program, whose registers are in `frame`, and has
// work to do. Not masked.
extern "C" void application_work(TrapFrame* frame);

}  // namespace plumbline
