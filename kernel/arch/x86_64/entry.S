/* Interrupts, exceptions, the switch between threads, and the place where a CPU halts.
 *
 * An interrupt arrives on a stack of its own (IST): what it interrupted may keep data in the 128 bytes below its stack
 * pointer. The entry copies the state below those 128 bytes and goes on there, so handlers can be interrupted and a
 * handler's end can switch threads. The way back uses no iretq (2.3 us on kvm_pvm): the return address is stored
 * just below the red zone and `ret $128` takes it from there. */
#include "arch/x86_64/per_cpu_offsets.h"

/* struct TrapFrame in arch/x86_64/trap_frame.hh */
#define F_RFLAGS 120
#define F_RETURN 128
#define F_VECTOR 136
#define F_ERROR 144
#define F_RIP 152
#define F_CS 160
#define F_RSP 168
#define F_SS 176
#define F_ENABLED 184
#define F_SIZE 192

.macro save_rest
  mov %r15, 0(%rdx)
  mov %r14, 8(%rdx)
  mov %r13, 16(%rdx)
  mov %r12, 24(%rdx)
  mov %r11, 32(%rdx)
  mov %r10, 40(%rdx)
  mov %r9, 48(%rdx)
  mov %r8, 56(%rdx)
  mov %rbp, 64(%rdx)
  mov %rdi, 72(%rdx)
  mov %rsi, 80(%rdx)
  mov %rbx, 104(%rdx)
.endm

/* copy from, to: one word from the entry stack into the frame at RDX */
.macro copy from, to
  mov \from(%rsp), %rcx
  mov %rcx, \to(%rdx)
.endm

/* On the interrupted stack, RSP = RDX = frame: hardware interrupts on again where the interrupted code had them on
 * (the flag in memory masks them from here; on kvm_pvm sti would trap, and is not needed), then call the handler with
 * a frame record that makes the interrupted function show up in backtraces. */
.macro run_handler function
  mov %rdx, %rsp
  cld
  testb $2, F_RFLAGS + 1(%rsp)
  jz 7f
  cmpb $0, %gs:PER_CPU_MASKED_BY_HOST
  jne 7f
  sti
7: pushq F_RIP(%rsp)
  push %rbp
  mov %rsp, %rbp
  lea 16(%rsp), %rdi
  call \function
  add $16, %rsp
.endm

.section .text.entry, "ax"
.globl interrupt_stubs
.balign 16
interrupt_stubs: /* eight bytes each, for the vectors 32 to 255 */
  .set vector, 32
  .rept 224
  push $(vector - 128)
  .byte 0xe9 /* jmp with a 32-bit distance, so that all stubs are of one size */
  .long interrupt_common - . - 4
  .balign 8, 0xcc
  .set vector, vector + 1
  .endr

interrupt_common: /* vector-128, rip, cs, rflags, rsp, ss */
  cmpb $0, %gs:PER_CPU_MASKED_BY_HOST
  jne 1f /* the host delivers only what is not masked, and its gate cleared the flag */
  cmpb $0, %gs:PER_CPU_ENABLED
  je interrupt_while_masked
1: movb $0, %gs:PER_CPU_ENABLED
  push %rax
  push %rcx
  push %rdx /* rdx, rcx, rax, vector-128, rip, cs, rflags, rsp, ss */
  mov 56(%rsp), %rax
  lea -136(%rax), %rcx
  mov %rcx, %rdx
  and $-16, %rdx
  sub $F_SIZE, %rdx
  mov %rcx, F_RETURN(%rdx)
  mov %rax, F_RSP(%rdx)
  copy 0, 88
  copy 8, 96
  copy 16, 112
  copy 32, F_RIP
  copy 40, F_CS
  copy 48, F_RFLAGS
  copy 64, F_SS
  mov 24(%rsp), %rcx
  add $128, %rcx
  mov %rcx, F_VECTOR(%rdx)
  movq $0, F_ERROR(%rdx)
  movq $1, F_ENABLED(%rdx)
  save_rest
  run_handler interrupt_entry
  /* fall through */

trap_return: /* RSP = frame, masked */
  /* An interrupt that arrives on the way into hlt has been handled now: halting would sleep through what it woke. */
  mov F_RIP(%rsp), %rax
  mov %rax, %rcx
  sub $idle_begin, %rcx
  cmp $idle_halt_offset, %rcx
  ja 1f
  mov $idle_end, %rax
1: mov F_RETURN(%rsp), %rcx
  mov %rax, (%rcx)
  cmpb $0, F_ENABLED(%rsp)
  je 2f
  movb $1, %gs:PER_CPU_ENABLED
  cmpb $0, %gs:PER_CPU_PENDING
  jne 3f
2: pop %r15
  pop %r14
  pop %r13
  pop %r12
  pop %r11
  pop %r10
  pop %r9
  pop %r8
  pop %rbp
  pop %rdi
  pop %rsi
  pop %rdx
  pop %rcx
  pop %rbx
  pop %rax
  popfq
  pop %rsp
  ret $128
3: call deliver_pending_interrupts
  jmp 2b

/* Not on kvm_pvm: remember the vector for the unmasking and leave. Still on the IST stack, hardware interrupts off. */
interrupt_while_masked:
  push %rax
  push %rcx
  push %rdx
  push %rsi
  push %rdi
  push %r8
  push %r9
  push %r10
  push %r11
  mov 72(%rsp), %rdi
  add $128, %rdi
  sub $8, %rsp /* the stack is aligned for the call */
  cld
  call note_pending_interrupt
  add $8, %rsp
  pop %r11
  pop %r10
  pop %r9
  pop %r8
  pop %rdi
  pop %rsi
  pop %rdx
  pop %rcx
  pop %rax
  add $8, %rsp
  iretq

/* Exceptions: sixteen bytes each; those without an error code get a zero. */
.globl exception_stubs
.balign 16
exception_stubs:
  .set vector, 0
  .rept 32
  .if (vector == 8) || ((vector >= 10) && (vector <= 14)) || (vector == 17) || (vector == 21) || (vector == 29) || (vector == 30)
  .else
  push $0
  .endif
  push $vector
  .if (vector == 8) || (vector == 18)
  jmp exception_fatal
  .elseif vector == 2
  jmp nmi
  .else
  jmp exception_common
  .endif
  .balign 16, 0xcc
  .set vector, vector + 1
  .endr

exception_common: /* vector, error, rip, cs, rflags, rsp, ss */
  push %rax
  push %rcx
  push %rdx /* rdx, rcx, rax, vector, error, rip, cs, rflags, rsp, ss */
  mov 64(%rsp), %rax
  lea -1024(%rax), %rcx
  cmp %gs:PER_CPU_STACK_LIMIT, %rcx
  lea -136(%rax), %rcx
  jae 1f
exception_here: /* the stack has overflowed: stay on this one, which ends in a panic */
  lea -256(%rsp), %rcx
1: mov %rcx, %rdx
  and $-16, %rdx
  sub $F_SIZE, %rdx
  mov %rcx, F_RETURN(%rdx)
  mov %rax, F_RSP(%rdx)
  copy 0, 88
  copy 8, 96
  copy 16, 112
  copy 24, F_VECTOR
  copy 32, F_ERROR
  copy 40, F_RIP
  copy 48, F_CS
  copy 56, F_RFLAGS
  copy 72, F_SS
  /* Were handlers allowed? On kvm_pvm the gate has cleared the flag and RFLAGS.IF shows its old value. */
  mov 56(%rsp), %rcx
  shr $9, %rcx
  and $1, %ecx
  cmpb $0, %gs:PER_CPU_MASKED_BY_HOST
  jne 2f
  movzbl %gs:PER_CPU_ENABLED, %ecx
2: mov %rcx, F_ENABLED(%rdx)
  movb $0, %gs:PER_CPU_ENABLED
  save_rest
  run_handler exception_entry
  jmp trap_return

exception_fatal:
  push %rax
  push %rcx
  push %rdx
  mov 64(%rsp), %rax
  jmp exception_here

/* Only a panic on another CPU sends NMIs. */
nmi:
  cmpl $0, panic_in_progress
  je 2f
  movb $0, %gs:PER_CPU_ENABLED
1: hlt
  jmp 1b
2: add $16, %rsp
  iretq

/* void switch_context(uint64_t* save, uint64_t load): what the compiler expects a call to preserve, and the stack. */
.globl switch_context
switch_context:
  push %rbp
  push %rbx
  push %r12
  push %r13
  push %r14
  push %r15
  mov %rsp, (%rdi)
  mov %rsi, %rsp
  pop %r15
  pop %r14
  pop %r13
  pop %r12
  pop %rbx
  pop %rbp
  ret

/* Where a new thread's first switch returns to. */
.globl thread_start
thread_start:
  xor %ebp, %ebp
  call thread_main
  ud2

.section .text.idle, "ax"
/* void idle_wait(): called masked; unmasks and halts until an interrupt. trap_return moves an interrupt taken anywhere
 * from idle_begin to idle_halt to idle_end: this closes the gap between the last check and hlt without cli. */
.globl idle_wait
idle_wait:
  movb $1, %gs:PER_CPU_ENABLED
idle_begin:
  cmpb $0, %gs:PER_CPU_PENDING
  jne deliver_pending_interrupts
  cmpl $0, %gs:PER_CPU_NEED_RESCHEDULE
  jne idle_end
idle_halt:
  hlt
idle_end:
  ret
.set idle_halt_offset, idle_halt - idle_begin
