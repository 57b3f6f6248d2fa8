/* System calls: one entry for the syscall instruction (LSTAR) and for those jumps that replace it (linux/entry/stubs.hh)
 * whose number is not known; the others have entries of their own (linux/call.hh).
 *
 * RCX = where the program goes on, RAX = the call's number, arguments in RDI, RSI, RDX, R10, R8, R9, RSP = the program's.
 * RAX, RCX, R11 and the flags are the kernel's. All other registers are kept by the functions in the table: they have the
 * attribute no_caller_saved_registers (linux/call.hh), so a call that needs few registers saves few. */
#include "arch/x86_64/call_entry_text.h"
#include "arch/x86_64/entry_frame.h"

/* What Linux shows in a signal frame of a call. */
#define FLAGS 0x202
#define PROGRAM_CODE 0x33
#define PROGRAM_DATA 0x2b

.section .text.entry, "ax"
/* The syscall instruction comes here. On kvm_pvm it masks interrupts as an interrupt gate does, whatever the mask of
 * flags says; what arrived since waits for the doorbell. Elsewhere the flag is set and nothing waits. */
.globl application_syscall
application_syscall:
  movb $1, %gs:PER_CPU_ENABLED
  cmpb $0, %gs:PER_CPU_PENDING
  je application_call
  outb %al, $0x80
  jmp application_call

/* For all numbers, through the table. The way out lies where it does in the entries of single calls, whose section begins
 * here (kernel.ld). */
.section .text.call_entries.any, "ax"
.balign CALL_ENTRY_SIZE
any_entry:
.org any_entry + CALL_ENTRY_SIZE + CALL_EXIT - 36, 0xcc
.globl application_call
application_call:
  mov %rsp, %r11
  mov %gs:PER_CPU_KERNEL_STACK_TOP, %rsp
  push %rcx
  push %rax
  mov %r10, %rcx
  cmp $CALL_NUMBERS, %rax
  {disp32} jae call_beyond_table
  call *call_table(, %rax, 8)
.globl call_exit_any
call_exit_any: /* number, return address */
  .org any_entry + CALL_ENTRY_SIZE + CALL_EXIT
  CALL_EXIT_TEXT
  .org any_entry + 2 * CALL_ENTRY_SIZE, 0xcc

.section .text.entry, "ax"
/* RSP = the frame, at the kernel stack's top, where the number and the return address are in the last words still;
 * everything else is in its register. RCX becomes the return address. */
.macro build_frame
  mov %r15, F_R15(%rsp)
  mov %r14, F_R14(%rsp)
  mov %r13, F_R13(%rsp)
  mov %r12, F_R12(%rsp)
  movq $FLAGS, F_R11(%rsp)
  mov %r10, F_R10(%rsp)
  mov %r9, F_R9(%rsp)
  mov %r8, F_R8(%rsp)
  mov %rbp, F_RBP(%rsp)
  mov %rdi, F_RDI(%rsp)
  mov %rsi, F_RSI(%rsp)
  mov %rdx, F_RDX(%rsp)
  mov %rbx, F_RBX(%rsp)
  mov %rax, F_RAX(%rsp)
  movq $FLAGS, F_RFLAGS(%rsp)
  mov %r11, F_RSP(%rsp)
  movq $0, F_RETURN(%rsp)
  movq $CALL_VECTOR, F_VECTOR(%rsp)
  mov F_SIZE - 16(%rsp), %rcx
  mov %rcx, F_ERROR(%rsp)
  mov F_SIZE - 8(%rsp), %rcx
  mov %rcx, F_RCX(%rsp)
  mov %rcx, F_RIP(%rsp)
  movq $PROGRAM_CODE, F_CS(%rsp)
  movq $PROGRAM_DATA, F_SS(%rsp)
  movq $1, F_ENABLED(%rsp)
.endm

.globl call_exit_work
call_exit_work:
  sub $F_SIZE - 16, %rsp
  build_frame
  jmp trap_exit_check

/* In the table for calls that see or change registers: the whole frame is built first, and the way out restores it. */
.globl call_with_registers
call_with_registers: /* return into application_call, number, return address */
  sub $F_SIZE - 24, %rsp
  build_frame
  mov %r10, %rcx
  call *register_call_table(, %rax, 8)
  mov %rax, F_RAX(%rsp)
  jmp trap_exit_check

call_beyond_table:
  call call_unknown
  jmp call_exit_any

/* In the table where there is no call. */
.globl call_unknown
call_unknown:
  push %rcx
  push %rdx
  push %rsi
  push %rdi
  push %r8
  push %r9
  push %r10
  push %r11
  sub $8, %rsp
  mov %rax, %rdi
  call unknown_call
  add $8, %rsp
  pop %r11
  pop %r10
  pop %r9
  pop %r8
  pop %rdi
  pop %rsi
  pop %rdx
  pop %rcx
  ret

.section .note.GNU-stack,"",@progbits
