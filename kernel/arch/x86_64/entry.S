/* Interrupts, exceptions, the switch between threads, and the place where a CPU halts. System calls: call_entry.S.
 *
 * Everything arrives on a stack of its own (IST): what was interrupted may keep data in the 128 bytes below its stack
 * pointer. Where that was kernel code, the entry copies the state below those 128 bytes and goes on there, so handlers
 * can be interrupted and a handler's end can switch threads. Where it was a program's code, the thread's kernel stack is
 * empty, and the state goes to its top: the program's stack is neither read nor written.
 *
 * The ways back use no iretq (2.3 us on kvm_pvm). Into kernel code: the return address is stored just below the red zone,
 * and `ret $128` takes it from there. Into a program: a jump through a word of the per-CPU block. */
#include "arch/x86_64/call_entry_text.h"
#include "arch/x86_64/entry_frame.h"
#include "arch/x86_64/near_image.h"
#include "arch/x86_64/per_cpu_offsets.h"

.macro save_rest
  mov %r15, F_R15(%rdx)
  mov %r14, F_R14(%rdx)
  mov %r13, F_R13(%rdx)
  mov %r12, F_R12(%rdx)
  mov %r11, F_R11(%rdx)
  mov %r10, F_R10(%rdx)
  mov %r9, F_R9(%rdx)
  mov %r8, F_R8(%rdx)
  mov %rbp, F_RBP(%rdx)
  mov %rdi, F_RDI(%rdx)
  mov %rsi, F_RSI(%rdx)
  mov %rbx, F_RBX(%rdx)
.endm

/* RCX = interrupted RIP, from `place`: when it is near, it becomes the linked one, there and in RCX. Either goes on with the
 * same code; all that looks at an interrupted RIP knows linked ones. */
.macro to_linked_address place
  mov %rcx, %rdx
  shr $NEAR_TEXT_LENGTH_SHIFT, %rdx
  cmp $NEAR_IMAGE >> NEAR_TEXT_LENGTH_SHIFT, %rdx
  jne 9f
  shl $NEAR_IMAGE_SHIFT, %rcx
  sar $NEAR_IMAGE_SHIFT, %rcx
  mov %rcx, \place
9:
.endm

/* RAX = interrupted stack pointer, RCX = interrupted RIP: jumps to `program` when a program's code was interrupted: its
 * stack pointer lies in the lower half; or that is wild, and its code lies there. (Kernel code that jumps to a wild
 * address has its own stack.) */
.macro if_application program
  test %rax, %rax
  jns \program
  test %rcx, %rcx
  js 8f
  cmp %gs:PER_CPU_STACK_LIMIT, %rax
  jb \program
  cmp %gs:PER_CPU_KERNEL_STACK_TOP, %rax
  ja \program
8:
.endm

/* RDX = frame at the kernel stack's top. At the last instruction of a way out the program's RIP is still elsewhere. */
.macro frame_at_top rip
  mov %gs:PER_CPU_KERNEL_STACK_TOP, %rdx
  sub $F_SIZE, %rdx
  mov \rip, %rcx
  sub $call_entries_begin, %rcx
  cmp $call_entries_length, %rcx
  jae 5f
  and $CALL_ENTRY_SIZE - 1, %ecx
  cmp $CALL_EXIT_JUMP, %ecx
  jne 5f
  mov 8(%rsp), %rcx /* the saved RCX, see the pushes below */
  jmp 6f
5: mov \rip, %rcx
  cmp $trap_exit_jump, %rcx
  jne 6f
  mov %gs:PER_CPU_EXIT_RIP, %rcx
6: mov %rcx, F_RIP(%rdx)
  movq $0, F_RETURN(%rdx)
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
  mov 32(%rsp), %rcx
  to_linked_address 32(%rsp)
  if_application 3f
  lea -136(%rax), %rcx
  mov %rcx, %rdx
  and $-16, %rdx
  sub $F_SIZE, %rdx
  mov %rcx, F_RETURN(%rdx)
  copy 32, F_RIP
2: mov %rax, F_RSP(%rdx)
  copy 0, F_RDX
  copy 8, F_RCX
  copy 16, F_RAX
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
  jmp trap_return
3: frame_at_top 32(%rsp)
  jmp 2b

trap_return: /* RSP = frame, masked */
  cmpq $0, F_RETURN(%rsp)
  je trap_return_to_application
  /* Some places must not simply go on after an interrupt. On the way into hlt: what it woke would be slept through. On
   * the way out of a system call or a trap: the work it left for the thread would be missed. */
  mov F_RIP(%rsp), %rax
  mov %rax, %rcx
  sub $idle_begin, %rcx
  cmp $idle_halt_offset, %rcx
  ja 1f
  mov $idle_end, %rax
1: mov %rax, %rcx
  sub $call_entries_begin, %rcx
  cmp $call_entries_length, %rcx
  jae 1f
  and $CALL_ENTRY_SIZE - 1, %ecx
  cmp $CALL_EXIT, %ecx
  jb 1f
  and $-CALL_ENTRY_SIZE, %rax
  add $CALL_EXIT, %rax
1: mov %rax, %rcx
  sub $trap_exit_check, %rcx
  cmp $trap_exit_window, %rcx
  jae 1f
  mov $trap_exit_check, %rax
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
  mov F_RETURN - F_RIP(%rsp), %rsp
  ret $128
3: call deliver_pending_interrupts
  jmp 2b

trap_return_to_application: /* RSP = frame at the kernel stack's top, masked */
  movb $1, %gs:PER_CPU_ENABLED
  cmpb $0, %gs:PER_CPU_PENDING
  je trap_exit_check
  call deliver_pending_interrupts
  /* fall through */

/* Not masked, no work may be missed, and nothing may be written to the program's stack. From here to the jump an
 * interrupt goes on at trap_exit_check again (trap_return), or at the jump itself with the program's RIP
 * (frame_at_top): whatever it left to do is seen, and EXIT_RIP, which another thread may have used meanwhile, is
 * written again. The frame is where it always is; nested frames lie at least 128 bytes below the stack pointer, so the
 * part of the frame that has been read already is safe as well. */
.globl trap_exit_check
trap_exit_check:
  mov %gs:PER_CPU_KERNEL_STACK_TOP, %rax
  lea -F_SIZE(%rax), %rsp /* at once: an interrupt with the stack pointer at the top would be put into the frame */
  mov F_RIP(%rsp), %rax
  mov %gs:PER_CPU_APPLICATION, %rcx
  test %rax, %rax
  js 1f /* between a system call and its entry's own stack: the work is looked at when it ends */
  cmpl $0, APPLICATION_WORK(%rcx)
  jne trap_exit_work
1: mov %rax, %gs:PER_CPU_EXIT_RIP
  mov F_R15(%rsp), %r15
  mov F_R14(%rsp), %r14
  mov F_R13(%rsp), %r13
  mov F_R12(%rsp), %r12
  mov F_R11(%rsp), %r11
  mov F_R10(%rsp), %r10
  mov F_R9(%rsp), %r9
  mov F_R8(%rsp), %r8
  mov F_RBP(%rsp), %rbp
  mov F_RDI(%rsp), %rdi
  mov F_RSI(%rsp), %rsi
  mov F_RDX(%rsp), %rdx
  mov F_RCX(%rsp), %rcx
  mov F_RBX(%rsp), %rbx
  mov F_RAX(%rsp), %rax
  lea F_RFLAGS(%rsp), %rsp
  popfq
  mov F_RSP - F_RIP(%rsp), %rsp
.globl trap_exit_jump
trap_exit_jump:
  jmp *%gs:PER_CPU_EXIT_RIP
.set trap_exit_window, trap_exit_jump - trap_exit_check

trap_exit_work:
  mov %rsp, %rdi
  xor %ebp, %ebp /* backtraces end here */
  call application_work
  jmp trap_exit_check

/* void enter_application_frame(const TrapFrame* frame): the frame may lie anywhere on this stack, so its highest word is
 * copied first, and the stack pointer stays below what is still to be copied. */
.globl enter_application_frame
enter_application_frame:
  mov %gs:PER_CPU_KERNEL_STACK_TOP, %rdx
  sub $F_SIZE, %rdx
  mov $F_SIZE - 8, %ecx
1: mov (%rdi, %rcx), %rax
  mov %rax, (%rdx, %rcx)
  sub $8, %ecx
  jns 1b
  mov %rdx, %rsp
  jmp trap_exit_check

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
  mov 40(%rsp), %rcx
  to_linked_address 40(%rsp)
  if_application 4f
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
  copy 40, F_RIP
3: mov %rax, F_RSP(%rdx)
  copy 0, F_RDX
  copy 8, F_RCX
  copy 16, F_RAX
  copy 24, F_VECTOR
  copy 32, F_ERROR
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
4: frame_at_top 40(%rsp)
  jmp 3b

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

/* RDI = where the stack pointer of the running thread goes, RSI = the one saved for the next. All other registers that a
 * call preserves are the caller's business (context.hh): it saves those that it uses. */
.globl switch_stacks
switch_stacks:
  push %rbp
  mov %rsp, (%rdi)
  mov %rsi, %rsp
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
