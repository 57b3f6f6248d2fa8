/* uint64_t keep_in_red_zone(uint64_t rounds, uint64_t seed): keeps sixteen words in the 128 bytes below the stack
 * pointer and values in all registers for `rounds` rounds of checking; returns 0 when nothing was disturbed. */
.section .text.keep_in_red_zone, "ax"
.globl keep_in_red_zone, keep_in_red_zone_end
keep_in_red_zone:
  push %rbx
  push %rbp
  push %r12
  push %r13
  push %r14
  push %r15
  mov %rsi, %rax
  .set offset, 8
  .rept 16
  mov %rax, -offset(%rsp)
  add $1, %rax
  .set offset, offset + 8
  .endr
  lea 100(%rsi), %rbx
  lea 101(%rsi), %rcx
  lea 102(%rsi), %rdx
  lea 103(%rsi), %rbp
  lea 104(%rsi), %r8
  lea 105(%rsi), %r9
  lea 106(%rsi), %r10
  lea 107(%rsi), %r11
  lea 108(%rsi), %r12
  lea 109(%rsi), %r13
  lea 110(%rsi), %r14
  lea 111(%rsi), %r15
1:
  stc
  .set offset, 8
  .set value, 0
  .rept 16
  lea value(%rsi), %rax
  jnc 9f /* lea keeps the flags, so carry must still be set */
  cmp %rax, -offset(%rsp)
  jne 9f
  stc
  .set offset, offset + 8
  .set value, value + 1
  .endr
  .macro check register, value
  lea \value(%rsi), %rax
  cmp %rax, \register
  jne 9f
  .endm
  check %rbx, 100
  check %rcx, 101
  check %rdx, 102
  check %rbp, 103
  check %r8, 104
  check %r9, 105
  check %r10, 106
  check %r11, 107
  check %r12, 108
  check %r13, 109
  check %r14, 110
  check %r15, 111
  dec %rdi
  jnz 1b
  xor %eax, %eax
  jmp 8f
9: mov $1, %eax
8: pop %r15
  pop %r14
  pop %r13
  pop %r12
  pop %rbp
  pop %rbx
  ret
keep_in_red_zone_end:
