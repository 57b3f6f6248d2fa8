/* Programs for program_guest_test.cc, copied to where programs live. RDI = struct ProgramRun, which is
 * 0 failures, 16 rounds, 24 seed, 32 keep_in_red_zone, 40 the number of a call, 48 the calls' entries, and 8 that call's. */
#define TEST_FIRST 505
#define TEST_NOTHING 507
#define TEST_YIELD 508
#define TEST_MORE 509
#define TEST_END 510

.section .rodata.test_programs, "a"
.globl test_programs, test_programs_end
.balign 16
test_programs:

.globl test_program_trap, test_program_stub, test_program_red_zone, test_program_calls
.globl test_program_one_call
/* by: how a call is made. */
.macro call_by_trap number
  mov $\number, %eax
  syscall
.endm
.macro call_by_stub number /* as linux/entry/stub_code.cc makes them, the slots being in the block at RBX */
  mov $\number, %eax
  lea 9f(%rip), %rcx
  jmp *(48 + 8 * (\number - TEST_FIRST))(%rbx)
9:
.endm

.macro compare register, value
  lea \value(%r12), %rax
  cmp %rax, \register
  je 8f
  incq (%rbx)
8:
.endm

/* Values in all registers that a call keeps, vector registers too: they must be the same after it. */
.macro keeps_registers by
  mov %rdi, %rbx
  mov 24(%rbx), %r12
1:
  lea 1(%r12), %rdi
  lea 2(%r12), %rsi
  lea 3(%r12), %rdx
  lea 4(%r12), %r10
  lea 5(%r12), %r8
  lea 6(%r12), %r9
  lea 7(%r12), %rbp
  lea 8(%r12), %r13
  lea 9(%r12), %r14
  mov %rsp, %r15
  .set number, 0
  .rept 16
  lea 100 + number(%r12), %rax
  movq %rax, %xmm0
  punpcklqdq %xmm0, %xmm0
  .if number != 0
  .altmacro
  set_vector %number
  .noaltmacro
  .endif
  .set number, number + 1
  .endr
  lea 100(%r12), %rax
  movq %rax, %xmm0
  punpcklqdq %xmm0, %xmm0
  \by TEST_YIELD
  test %rax, %rax
  jz 2f
  incq (%rbx)
2:
  compare %rdi, 1
  compare %rsi, 2
  compare %rdx, 3
  compare %r10, 4
  compare %r8, 5
  compare %r9, 6
  compare %rbp, 7
  compare %r13, 8
  compare %r14, 9
  cmp %rsp, %r15
  je 8f
  incq (%rbx)
8:
  .set number, 0
  .rept 16
  .altmacro
  check_vector %number
  .noaltmacro
  .set number, number + 1
  .endr
  incq 16(%rbx)
  \by TEST_MORE
  test %rax, %rax
  jnz 1b
  \by TEST_END
  ud2
.endm
.macro set_vector number
  movdqa %xmm0, %xmm\number
.endm
.macro check_vector number
  movhlps %xmm\number, %xmm0 /* the upper half; xmm0 is checked first */
  movq %xmm0, %rcx
  lea 100 + \number(%r12), %rax
  cmp %rax, %rcx
  je 8f
  incq (%rbx)
8:
  movq %xmm\number, %rcx
  .if \number != 0
  cmp %rax, %rcx
  je 8f
  incq (%rbx)
  .endif
8:
.endm

test_program_trap:
  keeps_registers call_by_trap
test_program_stub:
  keeps_registers call_by_stub

/* The red zone and all general registers, while interrupts come: RSP is such that anything below the red zone would be
 * written to a page that is not there. */
test_program_red_zone:
  mov %rdi, %rbx
1: mov $2000, %edi
  mov 24(%rbx), %rsi
  call *32(%rbx)
  add %rax, (%rbx)
  incq 16(%rbx)
  call_by_stub TEST_MORE
  test %rax, %rax
  jnz 1b
  call_by_stub TEST_END
  ud2

/* One call again and again, which gets the number of the round and returns its failures. */
test_program_one_call:
  mov %rdi, %rbx
1: mov 16(%rbx), %rdi
  mov 40(%rbx), %eax
  lea 9f(%rip), %rcx
  jmp *8(%rbx)
9:
  add %rax, (%rbx)
  incq 16(%rbx)
  call_by_stub TEST_MORE
  test %rax, %rax
  jnz 1b
  call_by_stub TEST_END
  ud2

/* Calls without anything between them, for interrupts to hit every place of the way in and out. */
test_program_calls:
  mov %rdi, %rbx
  mov 16(%rbx), %r12
1: call_by_stub TEST_NOTHING
  dec %r12
  jnz 1b
  call_by_stub TEST_END
  ud2
test_programs_end:

.section .note.GNU-stack,"",@progbits
