// plumbline::panic(const char* format, ...): keeps the caller's registers as they are at the call, then goes on in
// panic_from_code, which finds its arguments, the variable ones too, where the caller put them.
#include "arch/x86_64/per_cpu_offsets.h"

.section .text
.globl _ZN9plumbline5panicEPKcz
_ZN9plumbline5panicEPKcz:
    // A panic while another one is reported must not change what that one prints.
    cmpl $0, panic_in_progress(%rip)
    jne panic_from_code
    mov %r15, panic_frame+0(%rip)
    mov %r14, panic_frame+8(%rip)
    mov %r13, panic_frame+16(%rip)
    mov %r12, panic_frame+24(%rip)
    mov %r11, panic_frame+32(%rip)
    mov %r10, panic_frame+40(%rip)
    mov %r9, panic_frame+48(%rip)
    mov %r8, panic_frame+56(%rip)
    mov %rbp, panic_frame+64(%rip)
    mov %rdi, panic_frame+72(%rip)
    mov %rsi, panic_frame+80(%rip)
    mov %rdx, panic_frame+88(%rip)
    mov %rcx, panic_frame+96(%rip)
    mov %rbx, panic_frame+104(%rip)
    mov %rax, panic_frame+112(%rip)
    pushfq
    pop %rax
    mov %rax, panic_frame+120(%rip)
    // The return address lies in the caller, just behind the call.
    mov (%rsp), %rax
    mov %rax, panic_frame+152(%rip)
    lea 8(%rsp), %rax
    mov %rax, panic_frame+168(%rip)
    xor %eax, %eax
    mov %cs, %eax
    mov %rax, panic_frame+160(%rip)
    mov %ss, %eax
    mov %rax, panic_frame+176(%rip)
    movzbl %gs:0, %eax
    mov %rax, panic_frame+184(%rip)
    // No vector register carries an argument: what AL says about them.
    xor %eax, %eax
    jmp panic_from_code

.section .bss
.balign 8
.globl panic_frame
panic_frame: .skip 192

.section .note.GNU-stack,"",@progbits
