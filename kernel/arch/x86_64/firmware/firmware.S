/* A firmware for virtual machines whose monitor has put everything in place: from the reset vector to the kernel's PVH
 * entry. It reads nothing from devices and copies nothing, because on kvm_pvm each instruction here is emulated
 * (0.7 us) and each access to a device leaves the guest (28 us).
 *
 * The image is 64 KiB, the smallest that QEMU takes, and ends at 4 GiB, where the processor starts. */
#include "arch/x86_64/boot_layout.h"

#define FIRMWARE 0xffff0000
#define ADDRESS(symbol) (FIRMWARE + (symbol - firmware))
#define START_INFO (START_PAGE + 8)
#define PVH_MAGIC 0x336ec578
#define CODE 8
#define DATA 0x10

.section .text
firmware:
.org 0xff00
.code16
start:
  cli
  lgdtl %cs:(gdtr - firmware)
  mov $0x11, %eax /* PE and the fixed bit ET; the ABI wants all others clear */
  mov %eax, %cr0
  ljmpl $CODE, $ADDRESS(start32)
.code32
start32:
  mov $DATA, %eax
  mov %eax, %ds
  mov %eax, %es
  mov %eax, %ss
  mov $START_INFO, %ebx
  cmpl $PVH_MAGIC, (%ebx)
  jne fail
  /* As the ABI demands: flat segments, no paging, interrupts off, EBX = start info. The task register holds what the
   * reset left, a busy 32-bit TSS at 0. */
  jmp *START_PAGE

/* Said on the first serial port; the status of the debug-exit device is that of a panic (core/exit_code.hh). */
fail:
  mov $ADDRESS(words), %esi
  mov $(words_end - words), %ecx
  mov $0x3f8, %edx
  cld
  rep outsb
  mov $0x11, %al
  out %al, $0xf4
1: hlt
  jmp 1b
words:
  .ascii "panic: firmware: no PVH start info where the monitor should have put it\n"
words_end:

.balign 8
gdt:
  .quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
gdtr:
  .word gdtr - gdt - 1
  .long ADDRESS(gdt)

.org 0xfff0
.code16
  jmp start
.org 0x10000
