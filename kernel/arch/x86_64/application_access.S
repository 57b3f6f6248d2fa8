/* The instructions of the kernel that touch a program's memory; single words are touched inline
 * (memory/application_words.hh). Each that may fault names the place where to go
 * on when the page cannot be had; exceptions.cc looks there. General registers only, as everywhere. */
#include "arch/x86_64/application_access.h"
#include "arch/x86_64/near_image.h"

/* The instruction at `at` may fault; `resume` is where the failure is handled. */
.macro may_fault at, resume, kind=FIXUP_ON_DEMAND
  .pushsection application_fixups, "a"
  .quad \at, \resume, \kind
  .popsection
.endm

.section .text.application_access, "ax"

/* The halves of a move by application_copy; failing, it starts over. */
.macro fetch register, place
91: mov \place, \register
  may_fault 91b, copy_stepwise
.endm
.macro put register, place
91: mov \register, \place
  may_fault 91b, copy_stepwise
.endm

/* size_t application_copy(void* to, const void* from, size_t length): the number of bytes not copied. Either side may be
 * the program's. Up to 64 bytes are moves from the beginning and up to the end that overlap; where one fails, the whole
 * is copied again stepwise. */
.globl application_copy
.balign 16
application_copy:
  cmp $16, %rdx
  ja 65f
  cmp $8, %rdx
  jb 62f
  fetch %rax, (%rsi)
  fetch %rcx, "-8(%rsi, %rdx)"
  put %rax, (%rdi)
  put %rcx, "-8(%rdi, %rdx)"
  xor %eax, %eax
  ret
62: cmp $4, %rdx
  jb 63f
  fetch %eax, (%rsi)
  fetch %ecx, "-4(%rsi, %rdx)"
  put %eax, (%rdi)
  put %ecx, "-4(%rdi, %rdx)"
  xor %eax, %eax
  ret
63: cmp $1, %rdx
  jne copy_stepwise
  fetch %al, (%rsi)
  put %al, (%rdi)
  xor %eax, %eax
  ret
65: cmp $32, %rdx
  ja 66f
  fetch %rax, (%rsi)
  fetch %rcx, 8(%rsi)
  fetch %r8, "-16(%rsi, %rdx)"
  fetch %r9, "-8(%rsi, %rdx)"
  put %rax, (%rdi)
  put %rcx, 8(%rdi)
  put %r8, "-16(%rdi, %rdx)"
  put %r9, "-8(%rdi, %rdx)"
  xor %eax, %eax
  ret
66: cmp $64, %rdx
  ja 67f
  fetch %rax, (%rsi)
  fetch %rcx, 8(%rsi)
  fetch %r8, 16(%rsi)
  fetch %r9, 24(%rsi)
  fetch %r10, "-16(%rsi, %rdx)"
  fetch %r11, "-8(%rsi, %rdx)"
  put %rax, (%rdi)
  put %rcx, 8(%rdi)
  fetch %rax, "-32(%rsi, %rdx)"
  fetch %rcx, "-24(%rsi, %rdx)"
  put %r8, 16(%rdi)
  put %r9, 24(%rdi)
  put %rax, "-32(%rdi, %rdx)"
  put %rcx, "-24(%rdi, %rdx)"
  put %r10, "-16(%rdi, %rdx)"
  put %r11, "-8(%rdi, %rdx)"
  xor %eax, %eax
  ret
67: cmp $512, %rdx
  jae 7f
copy_stepwise: /* A step over the end of a page that fails is done again byte by byte, up to the bad one. */
1: cmp $32, %rdx
  jb 2f
  /* Four words a step: where a store fails, the words before it are copied again. */
10: mov (%rsi), %rax
  may_fault 10b, 5f
11: mov 8(%rsi), %rcx
  may_fault 11b, 5f
12: mov 16(%rsi), %r8
  may_fault 12b, 5f
13: mov 24(%rsi), %r9
  may_fault 13b, 5f
14: mov %rax, (%rdi)
  may_fault 14b, 5f
15: mov %rcx, 8(%rdi)
  may_fault 15b, 5f
16: mov %r8, 16(%rdi)
  may_fault 16b, 5f
17: mov %r9, 24(%rdi)
  may_fault 17b, 5f
  add $32, %rsi
  add $32, %rdi
  sub $32, %rdx
  cmp $32, %rdx
  jae 10b
2: cmp $8, %rdx
  jb 3f
20: mov (%rsi), %rax
  may_fault 20b, 30f
21: mov %rax, (%rdi)
  may_fault 21b, 30f
  add $8, %rsi
  add $8, %rdi
  sub $8, %rdx
  cmp $8, %rdx
  jae 20b
3: test $4, %dl
  jz 5f
4: mov (%rsi), %eax
  may_fault 4b, 30f
41: mov %eax, (%rdi)
  may_fault 41b, 30f
  add $4, %rsi
  add $4, %rdi
  sub $4, %rdx
5: test %rdx, %rdx
  jz 6f
51: mov (%rsi), %al
  may_fault 51b, 6f
52: mov %al, (%rdi)
  may_fault 52b, 6f
  inc %rsi
  inc %rdi
  dec %rdx
  jmp 5b
6: mov %rdx, %rax
  ret
30: /* A word that failed as a whole is not tried again: its page may come meanwhile, and half a word would be written. */
  mov %esi, %eax
  and $4095, %eax
  cmp $4088, %eax
  ja 5b
  mov %edi, %eax
  and $4095, %eax
  cmp $4088, %eax
  ja 5b
  jmp 6b
7: /* by words: where instructions are counted, each repetition is one */
  mov %rdx, %rcx
  shr $3, %rcx
  and $7, %edx
8: rep movsq
  may_fault 8b, 9f
  jmp 3b
9: lea (%rdx, %rcx, 8), %rdx
  jmp 1b

/* byte* application_gather_at_once(byte* to, const IoSegment* segments, size_t count, size_t room): copies what the
 * segments (address and length, two words each; in the program's memory or the kernel's) name of a program's memory to
 * `to`, one behind the other; for holders of spinlocks. `room` is at most a page. Where the copy ends, or null: it would
 * be longer than `room`, a page is not there or may not be read, or an address is not a program's or in the last page of
 * where programs live; what has been copied means nothing. */
.macro gather register, place
91: mov \place, \register
  may_fault 91b, gather_failed, FIXUP_AT_ONCE
.endm
.globl application_gather_at_once
.balign 16
application_gather_at_once:
  push %rcx /* the room that is left: there is no register for it */
  shl $4, %rdx
  lea (%rsi, %rdx), %r11
  mov %rsi, %r10
  cmp %r10, %r11
  je 8f
1:
  gather %rsi, (%r10)
  gather %rdx, 8(%r10)
  sub %rdx, (%rsp)
  jb gather_failed
  cmp last_application_page(%rip), %rsi
  jae gather_failed
  cmp $16, %rdx
  ja 4f
  cmp $8, %rdx
  jb 3f
  gather %rax, (%rsi)
  gather %rcx, "-8(%rsi, %rdx)"
  mov %rax, (%rdi)
  mov %rcx, -8(%rdi, %rdx)
2: add %rdx, %rdi
  add $16, %r10
  cmp %r10, %r11
  jne 1b
8: mov %rdi, %rax
  pop %rcx
  ret
3: cmp $4, %rdx
  jb 7f
  gather %eax, (%rsi)
  gather %ecx, "-4(%rsi, %rdx)"
  mov %eax, (%rdi)
  mov %ecx, -4(%rdi, %rdx)
  jmp 2b
4: cmp $32, %rdx
  jbe 6f
5: /* more than four words are left: what remains of them at the end is copied with those before it */
  gather %rax, (%rsi)
  gather %rcx, 8(%rsi)
  gather %r8, 16(%rsi)
  gather %r9, 24(%rsi)
  mov %rax, (%rdi)
  mov %rcx, 8(%rdi)
  mov %r8, 16(%rdi)
  mov %r9, 24(%rdi)
  add $32, %rsi
  add $32, %rdi
  sub $32, %rdx
  cmp $32, %rdx
  ja 5b
  gather %rax, "-32(%rsi, %rdx)"
  gather %rcx, "-24(%rsi, %rdx)"
  mov %rax, -32(%rdi, %rdx)
  mov %rcx, -24(%rdi, %rdx)
  jmp 65f
6: gather %rax, (%rsi)
  gather %rcx, 8(%rsi)
  mov %rax, (%rdi)
  mov %rcx, 8(%rdi)
65:
  gather %rax, "-16(%rsi, %rdx)"
  gather %rcx, "-8(%rsi, %rdx)"
  mov %rax, -16(%rdi, %rdx)
  mov %rcx, -8(%rdi, %rdx)
  jmp 2b
7: test %rdx, %rdx
  jz 2b
  gather %al, (%rsi)
  mov %al, (%rdi)
  gather %al, "-1(%rsi, %rdx)"
  mov %al, -1(%rdi, %rdx)
  cmp $3, %rdx
  jne 2b
  gather %al, 1(%rsi)
  mov %al, 1(%rdi)
  jmp 2b
gather_failed:
  pop %rcx
  xor %eax, %eax
  ret

.pushsection .rodata
.balign 8
/* What begins below it and is at most a page lies where programs live (kApplicationEnd). */
last_application_page: .quad NEAR_IMAGE - 2 * 4096
.popsection

/* size_t application_clear(void* to, size_t length): the number of bytes not cleared. */
.globl application_clear
.balign 16
application_clear:
  xor %eax, %eax
  mov %rsi, %rcx
  shr $3, %rcx
  and $7, %esi
1: rep stosq
  may_fault 1b, 5f
2: test %rsi, %rsi
  jz 4f
3: mov %al, (%rdi)
  may_fault 3b, 4f
  inc %rdi
  dec %rsi
  jmp 2b
4: mov %rsi, %rax
  ret
5: lea (%rsi, %rcx, 8), %rsi
  jmp 2b

/* size_t application_string(char* to, const char* from, size_t most): the length of the string, `most` when its end was
 * not among the first `most` bytes, -1 when an address is bad. */
.globl application_string
.balign 16
application_string:
  xor %eax, %eax
1: cmp %rax, %rdx
  je 3f
2: movzbl (%rsi, %rax), %ecx
  may_fault 2b, 4f
  mov %cl, (%rdi, %rax)
  test %ecx, %ecx
  jz 3f
  inc %rax
  jmp 1b
3: ret
4: mov $-1, %rax
  ret

/* bool application_load_word(const uint32_t* from, uint32_t* to) */
.globl application_load_word
application_load_word:
1: mov (%rdi), %eax
  may_fault 1b, application_word_failed, FIXUP_AT_ONCE
  mov %eax, (%rsi)
  mov $1, %eax
  ret

/* bool application_exchange_word(uint32_t* at, uint32_t* expected, uint32_t desired) */
.globl application_exchange_word
application_exchange_word:
  mov (%rsi), %eax
1: lock cmpxchg %edx, (%rdi)
  may_fault 1b, application_word_failed, FIXUP_AT_ONCE
  mov %eax, (%rsi)
  mov $1, %eax
  ret

application_word_failed:
  xor %eax, %eax
  ret

/* bool application_touch(void* at, bool for_writing) */
.globl application_touch
application_touch:
  test %sil, %sil
  jnz 2f
1: movb (%rdi), %al
  may_fault 1b, application_word_failed
  mov $1, %eax
  ret
2: lock orb $0, (%rdi) /* a write that changes nothing, even when others write there */
  may_fault 2b, application_word_failed
  mov $1, %eax
  ret

/* bool application_save_vectors(void* area), application_load_vectors(const void* area): all components, to and from a
 * program's memory, XSAVE's standard format. Loading fails also where the CPU refuses the area (#GP). */
.globl application_save_vectors
application_save_vectors:
  mov $-1, %eax
  mov $-1, %edx
1: xsave64 (%rdi)
  may_fault 1b, application_word_failed
  mov $1, %eax
  ret

.globl application_load_vectors
application_load_vectors:
  mov $-1, %eax
  mov $-1, %edx
1: xrstor64 (%rdi)
  may_fault 1b, application_word_failed
  mov $1, %eax
  ret

/* bool application_load_legacy_vectors(const void* area): x87 and SSE alone, FXSAVE's format */
.globl application_load_legacy_vectors
application_load_legacy_vectors:
1: fxrstor64 (%rdi)
  may_fault 1b, application_word_failed
  mov $1, %eax
  ret

.section .note.GNU-stack,"",@progbits
