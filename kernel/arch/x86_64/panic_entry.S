// plumbline::panic(const char* format, ...): keeps the caller's registers as they are at the call, then goes on in
// panic_from_code, which finds its arguments, the variable ones too, where the caller put them.
#include "arch/x86_64/entry_frame.h"
#include "arch/x86_64/per_cpu_offsets.h"

.section .text
.globl _ZN9plumbline5panicEPKcz
_ZN9plumbline5panicEPKcz:
    // A panic while another one is reported must not change what that one prints.
    cmpl $0, panic_in_progress(%rip)
    jne panic_from_code
    mov %r15, panic_frame+F_R15(%rip)
    mov %r14, panic_frame+F_R14(%rip)
    mov %r13, panic_frame+F_R13(%rip)
    mov %r12, panic_frame+F_R12(%rip)
    mov %r11, panic_frame+F_R11(%rip)
    mov %r10, panic_frame+F_R10(%rip)
    mov %r9, panic_frame+F_R9(%rip)
    mov %r8, panic_frame+F_R8(%rip)
    mov %rbp, panic_frame+F_RBP(%rip)
    mov %rdi, panic_frame+F_RDI(%rip)
    mov %rsi, panic_frame+F_RSI(%rip)
    mov %rdx, panic_frame+F_RDX(%rip)
    mov %rcx, panic_frame+F_RCX(%rip)
    mov %rbx, panic_frame+F_RBX(%rip)
    mov %rax, panic_frame+F_RAX(%rip)
    pushfq
    pop %rax
    mov %rax, panic_frame+F_RFLAGS(%rip)
    // The return address lies in the caller, just behind the call.
    mov (%rsp), %rax
    mov %rax, panic_frame+F_RIP(%rip)
    lea 8(%rsp), %rax
    mov %rax, panic_frame+F_RSP(%rip)
    xor %eax, %eax
    mov %cs, %eax
    mov %rax, panic_frame+F_CS(%rip)
    mov %ss, %eax
    mov %rax, panic_frame+F_SS(%rip)
    movzbl %gs:0, %eax
    mov %rax, panic_frame+F_ENABLED(%rip)
    // No vector register carries an argument: what AL says about them.
    xor %eax, %eax
    jmp panic_from_code

.section .bss
.balign 8
.globl panic_frame
panic_frame: .skip F_SIZE

.section .note.GNU-stack,"",@progbits
