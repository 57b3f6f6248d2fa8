/* The instructions that all entries of system calls have in common, for assembly (call_entry.S) and
 * for LINUX_CALL (linux/call.hh), which turns them into a string.
 *
 * A call whose number the site's stub knows has an entry of its own: without a look into the table,
 * and with its own jump back to the program. The jump's target is predicted from where it went
 * last, which is seldom right when all calls of a program return by the same one.
 *
 * An entry takes one line of 64 bytes. Its way out begins at CALL_EXIT and ends with a jump at
 * CALL_EXIT_JUMP in each of them, so that an interrupt (entry.S) knows both for all entries at
 * once. */
#pragma once

#include "arch/x86_64/per_cpu_offsets.h"

#define CALL_ENTRY_SIZE 64
#define CALL_EXIT 26
#define CALL_EXIT_JUMP 52

/* clang-format off */

/* RCX = where the program goes on, RSP = the program's. The number is pushed with four bytes,
 * whatever it is: the way out has its fixed place. */
#define CALL_ENTRY_TEXT(number)           \
  mov %rsp, %r11;                         \
  mov %gs:PER_CPU_KERNEL_STACK_TOP, %rsp; \
  push %rcx;                              \
  .byte 0x68;                             \
  .long number;                           \
  mov %r10, %rcx

/* Work for the thread is neither missed nor waited for with interrupts masked: an interrupt from
 * here to the jump goes on here again (trap_return in entry.S), or at the jump itself in the
 * program (frame_at_top). */
#define CALL_EXIT_TEXT               \
  mov %gs:PER_CPU_APPLICATION, %rcx; \
  cmpl $0, APPLICATION_WORK(%rcx);   \
  {disp32} jne call_exit_work;       \
  mov 8(%rsp), %rcx;                 \
  mov %r11, %rsp;                    \
  jmp *%rcx
