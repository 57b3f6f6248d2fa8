// What a signal puts on a program's stack, as Linux lays it out on x86-64.
#pragma once

#include <cstdint>

#include "linux/signal/signal_state.hh"

namespace plumbline::linux_abi {

// struct sigcontext_64 (Linux, arch/x86/include/uapi/asm/sigcontext.h).
struct SignalContext {
  std::uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
  std::uint64_t rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, flags;
  std::uint16_t cs, gs, fs, ss;
  std::uint64_t error, vector, old_mask, fault_address;
  std::uint64_t vector_state;  // address of the XSAVE area, 0: none
  std::uint64_t reserved[8];
};
static_assert(sizeof(SignalContext) == 256);

// struct ucontext (arch/x86/include/uapi/asm/ucontext.h).
struct UserContext {
  std::uint64_t flags;
  std::uint64_t link;
  std::uint64_t stack_address;
  std::int32_t stack_flags;
  std::int32_t padding;
  std::uint64_t stack_size;
  SignalContext context;
  SignalMask blocked;
};
static_assert(sizeof(UserContext) == 304);
inline constexpr std::uint64_t kContextHasVectors = 1, kContextHasStackSegment = 2,
                               kContextStrictStackSegment = 4;

// struct rt_sigframe (arch/x86/include/asm/sigframe.h). The stack pointer of the handler points at
// it.
struct SignalFrame {
  std::uint64_t restorer;
  UserContext context;
  SignalInformation information;
};
static_assert(sizeof(SignalFrame) == 440);

// struct _fpx_sw_bytes: in the XSAVE area where the CPU leaves room for software.
struct VectorStateNote {
  std::uint32_t magic;          // kFirstMagic
  std::uint32_t extended_size;  // area and second magic
  std::uint64_t components;
  std::uint32_t size;  // area
  std::uint32_t padding[7];
};
static_assert(sizeof(VectorStateNote) == 48);
inline constexpr std::uint64_t kVectorStateNoteOffset = 464;
inline constexpr std::uint32_t kFirstMagic = 0x46505853, kSecondMagic = 0x46505845;

// sigaltstack(2).
inline constexpr std::int32_t kStackDisabled = 2;
inline constexpr std::uint32_t kStackAutoDisarm = 1u << 31;

}  // namespace plumbline::linux_abi
