/* The other CPUs: from the start-up interrupt (16-bit, at a page below 1 MiB) to C++. As in start.S, everything up to
 * the opt-in is emulated on kvm_pvm. */
#include "arch/x86_64/boot_layout.h"

#define LOW(symbol) (AP_PAGE + (symbol - ap_trampoline))

.section .rodata.ap_trampoline, "a"
.globl ap_trampoline, ap_trampoline_end
.code16
ap_trampoline:
  cli
  xor %ax, %ax
  mov %ax, %ds
  lgdtl LOW(ap_gdtr)
  mov $1, %eax
  cpuid
  and $1 << 26, %ecx
  shr $8, %ecx
  mov %cr4, %eax
  or $0x106a0, %eax
  or %ecx, %eax
  mov %eax, %cr4
  mov $boot_pml4_physical, %eax
  mov %eax, %cr3
  mov $0xc0000080, %ecx
  rdmsr
  or $0x901, %eax
  wrmsr
  mov $0x80050033, %eax
  mov %eax, %cr0
  ljmpl $0x10, $LOW(ap64)
.code64
ap64:
  mov $ap_high, %rax
  jmp *%rax
.balign 8
ap_gdtr:
  .word 31
  .long boot_gdt_physical
ap_trampoline_end:

.section .text.ap_start, "ax"
ap_high:
  mov $0x18, %eax
  mov %eax, %ss
  xor %eax, %eax
  mov %eax, %ds
  mov %eax, %es
  mov %eax, %fs
  mov %eax, %gs
  /* Which CPU comes first is chance: each takes the next record. struct CpuStart: block, its physical address, stack */
  mov $1, %eax
  lock xadd %eax, cpu_starts_taken
  imul $24, %rax, %rbx
  add cpu_starts, %rbx
  cmpl $0, boot_record + 20
  je 1f
  mov 8(%rbx), %rax
  mov %rax, %rdx
  shr $32, %rdx
  mov $0x4b564d10, %ecx
  wrmsr /* native from here on */
1: mov (%rbx), %rax
  wrgsbase %rax
  mov 16(%rbx), %rsp
  xor %ebp, %ebp
  call *cpu_start_entry
  ud2

.section .bss
.balign 8
.globl cpu_starts, cpu_start_entry, cpu_starts_taken
cpu_starts: .quad 0
cpu_start_entry: .quad 0
cpu_starts_taken: .quad 0
