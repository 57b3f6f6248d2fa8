/* memcpy, memmove, memset, memcmp with general registers only. Short lengths are two overlapping moves; rep is for
 * blocks only: its start-up costs some thirty cycles. */
.section .text.memory_functions, "ax"

.globl memcpy, memmove
.balign 16
memmove:
  mov %rdi, %rax
  mov %rdi, %rcx
  sub %rsi, %rcx
  cmp %rdx, %rcx /* unsigned: destination inside the source, above its start */
  jb copy_backward
  cmp $16, %rdx
  jbe copy_small
  jmp copy_forward
memcpy:
  mov %rdi, %rax
  cmp $16, %rdx
  jbe copy_small
  cmp $32, %rdx
  ja 3f
  mov (%rsi), %rcx
  mov 8(%rsi), %r8
  mov -16(%rsi, %rdx), %r9
  mov -8(%rsi, %rdx), %r10
  mov %rcx, (%rdi)
  mov %r8, 8(%rdi)
  mov %r9, -16(%rdi, %rdx)
  mov %r10, -8(%rdi, %rdx)
  ret
3: cmp $64, %rdx
  ja copy_forward
  mov (%rsi), %rcx
  mov 8(%rsi), %r8
  mov 16(%rsi), %r9
  mov 24(%rsi), %r10
  mov %rcx, (%rdi)
  mov %r8, 8(%rdi)
  mov %r9, 16(%rdi)
  mov %r10, 24(%rdi)
  mov -32(%rsi, %rdx), %rcx
  mov -24(%rsi, %rdx), %r8
  mov -16(%rsi, %rdx), %r9
  mov -8(%rsi, %rdx), %r10
  mov %rcx, -32(%rdi, %rdx)
  mov %r8, -24(%rdi, %rdx)
  mov %r9, -16(%rdi, %rdx)
  mov %r10, -8(%rdi, %rdx)
  ret
copy_forward: /* also memmove's, so nothing is read after what lies behind it has been written */
  cmp $512, %rdx
  jae copy_block
  /* 17 to 511: eight bytes a step, the last step overlaps */
  mov -8(%rsi, %rdx), %r8
  lea -8(%rdi, %rdx), %r9
1: mov (%rsi), %rcx
  mov 8(%rsi), %r10
  mov %rcx, (%rdi)
  mov %r10, 8(%rdi)
  add $16, %rsi
  add $16, %rdi
  sub $16, %rdx
  cmp $16, %rdx
  ja 1b
  cmp $8, %rdx
  jbe 2f
  mov (%rsi), %rcx
  mov %rcx, (%rdi)
2: mov %r8, (%r9)
  ret
copy_small:
  cmp $8, %rdx
  jae 1f
  cmp $4, %rdx
  jae 2f
  test %rdx, %rdx
  jz 3f
  movzbl (%rsi), %ecx
  movzbl -1(%rsi, %rdx), %r8d
  cmp $2, %rdx
  jbe 4f
  movzbl 1(%rsi), %r9d
  mov %r9b, 1(%rdi)
4: mov %cl, (%rdi)
  mov %r8b, -1(%rdi, %rdx)
3: ret
1: mov (%rsi), %rcx
  mov -8(%rsi, %rdx), %r8
  mov %rcx, (%rdi)
  mov %r8, -8(%rdi, %rdx)
  ret
2: mov (%rsi), %ecx
  mov -4(%rsi, %rdx), %r8d
  mov %ecx, (%rdi)
  mov %r8d, -4(%rdi, %rdx)
  ret
copy_block: /* by words: where instructions are counted, each repetition is one; the last word overlaps */
  mov -8(%rsi, %rdx), %r8
  lea -8(%rdi, %rdx), %r9
  mov %rdx, %rcx
  shr $3, %rcx
  rep movsq
  mov %r8, (%r9)
  ret
copy_backward:
  cmp $16, %rdx
  jbe copy_small /* loads everything before it stores, except for three bytes */
1: mov -8(%rsi, %rdx), %rcx
  mov %rcx, -8(%rdi, %rdx)
  sub $8, %rdx
  cmp $8, %rdx
  jae 1b
2: test %rdx, %rdx
  jz 3f
  movzbl -1(%rsi, %rdx), %ecx
  mov %cl, -1(%rdi, %rdx)
  dec %rdx
  jmp 2b
3: ret

.globl memset
.balign 16
memset:
  mov %rdi, %rax
  movzbl %sil, %ecx
  mov $0x0101010101010101, %r8
  imul %rcx, %r8
  cmp $8, %rdx
  jb 3f
  cmp $512, %rdx
  jae 4f
  mov %r8, -8(%rdi, %rdx)
1: mov %r8, (%rdi)
  add $8, %rdi
  sub $8, %rdx
  cmp $8, %rdx
  jae 1b
  ret
3: test %rdx, %rdx
  jz 2f
5: mov %r8b, -1(%rdi, %rdx)
  dec %rdx
  jnz 5b
2: ret
4: mov %r8, -8(%rdi, %rdx)
  mov %rax, %r9
  mov %r8, %rax
  mov %rdx, %rcx
  shr $3, %rcx
  rep stosq
  mov %r9, %rax
  ret

.globl memcmp
.balign 16
memcmp:
  cmp $8, %rdx
  jb 2f
1: mov (%rdi), %rax
  mov (%rsi), %rcx
  cmp %rcx, %rax
  jne 4f
  add $8, %rdi
  add $8, %rsi
  sub $8, %rdx
  cmp $8, %rdx
  jae 1b
2: test %rdx, %rdx
  jz 3f
  movzbl (%rdi), %eax
  movzbl (%rsi), %ecx
  inc %rdi
  inc %rsi
  dec %rdx
  sub %ecx, %eax
  jz 2b
  ret
3: xor %eax, %eax
  ret
4: bswap %rax
  bswap %rcx
  cmp %rcx, %rax
  sbb %eax, %eax
  or $1, %eax
  ret

.globl strlen
strlen:
  xor %eax, %eax
1: cmpb $0, (%rdi, %rax)
  je 2f
  inc %rax
  jmp 1b
2: ret
