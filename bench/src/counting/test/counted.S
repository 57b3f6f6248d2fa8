# A guest whose instructions between two markers are known: it waits for nothing, halts once and asks QEMU to end.
# Booted by PVH: 32-bit protected mode, flat segments, paging off.
.macro MARK
  .byte 0x66, 0x87, 0xdb
.endm

.section .note.Xen, "a", @note
  .long 4, 4, 18                # XEN_ELFNOTE_PHYS32_ENTRY
  .asciz "Xen"
  .long start

.text
.code32
text_begin:
.globl start
start:
  cld
  lgdt gdt_pointer
  ljmp $8, $1f
1: movw $16, %ax
  movw %ax, %ds
  movw %ax, %es
  movw %ax, %ss
  movl $stack, %esp
  MARK
  # 1 + 2 * 1000 instructions.
  movl $1000, %ecx
1: decl %ecx
  jnz 1b
  MARK
  # 3 to set up, then one rep instruction of 100 iterations.
  movl $source, %esi
  movl $destination, %edi
  movl $100, %ecx
  rep movsb
  MARK
  # A rep instruction of no iterations, reached by a jump so that it begins a block; 2 instructions and the rep.
  xorl %ecx, %ecx
  jmp 2f
2: rep stosl
  MARK
  # The same rep instruction twice with a jump between: 1 + 2 * (1 + 2) instructions and 2 rep instructions of 7 iterations.
  movl $2, %edx
3: movl $7, %ecx
  rep stosb
  decl %edx
  jnz 3b
  MARK
  # The idle range: 1 + 2 * 50 instructions.
.globl __idle_text_start, __idle_text_end
__idle_text_start:
  movl $50, %ecx
4: decl %ecx
  jnz 4b
__idle_text_end:
  MARK
  # A trap in the middle of a block: 4 here and 1 in its handler.
  lidt idt_pointer
  nop
  int3
  nop
  MARK
  # Halt; the harness reads the counters meanwhile.
  cli
5: hlt
  jmp 5b
breakpoint:
  iretl

.data
.balign 16
gdt:
  .quad 0
  .quad 0x00cf9b000000ffff      # 8: code, 4 GiB
  .quad 0x00cf93000000ffff      # 16: data, 4 GiB
gdt_pointer:
  .word 3 * 8 - 1
  .long gdt
idt:
  .rept 3
  .quad 0
  .endr
  # Vector 3: interrupt gate to `breakpoint`. The text begins at 0x100000, so the offset's halves are known here.
  .word breakpoint - text_begin, 8, 0x8e00, 0x10
idt_pointer:
  .word 4 * 8 - 1
  .long idt
source: .skip 100, 0x61
.bss
destination: .skip 4096
  .skip 1024
stack:
