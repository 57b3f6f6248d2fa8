/* From the PVH entry (32-bit, flat segments, no paging; EBX = start info) to C++ in 64-bit mode.
 *
 * On kvm_pvm every instruction up to the write of MSR 0x4b564d10 is emulated and costs about 0.7 us, so the page
 * tables are constants of the image and there is no loop here. */
#include "arch/x86_64/near_image.h"

#define HYPERVISOR_LEAF 0x40000000
#define SIGNATURE_KVM 0x4b4d564b /* "KVMK" of "KVMKVMKVM" */
#define MSR_PVM_VIF 0x4b564d10
#define MSR_PVM_SIGNATURE 0x4b564d11
#define PVM_SIGNATURE 0x004d5650

/* The PVH note: the loader jumps to this physical address (xen/include/public/elfnote.h, XEN_ELFNOTE_PHYS32_ENTRY). */
.section .note.entry, "a", @note
  .balign 4
  .long 4, 4, 18
  .asciz "Xen"
  .long pvh_start_physical

.section .text.start, "ax"
.code64
/* First in the text, where the static gate below points. MSR 0x4b564d11 exists on kvm_pvm only; elsewhere reading it
 * faults, and the fault is the answer: skip the two bytes of rdmsr, EAX = 0. */
.globl early_fault
early_fault:
  add $8, %rsp
  addq $2, (%rsp)
  xor %eax, %eax
  iretq

.code32
.globl pvh_start
pvh_start:
  cli
  rdtsc
  mov %eax, %esi
  mov %edx, %edi
  mov %ebx, %ebp
  lgdtl boot_gdtr_physical
  mov $1, %eax
  cpuid
  and $1 << 26, %ecx /* XSAVE? */
  shr $8, %ecx /* then CR4.OSXSAVE, bit 18; later kvm_pvm would trap */
  mov %cr4, %eax
  or $0x106a0, %eax /* PAE, PGE, OSFXSR, OSXMMEXCPT, FSGSBASE */
  or %ecx, %eax
  mov %eax, %cr4
  mov $boot_pml4_physical, %eax
  mov %eax, %cr3
  mov $0xc0000080, %ecx
  rdmsr
  or $0x901, %eax /* SCE, LME, NXE */
  wrmsr
  mov $0x80050033, %eax /* PG, AM, WP, NE, ET, MP, PE */
  mov %eax, %cr0
  ljmp $0x10, $start64_low_physical

.code64
.globl start64_low
start64_low:
  mov $start64, %rax
  jmp *%rax
start64:
  mov $0x18, %eax
  mov %eax, %ss
  /* kvm_pvm takes only null and user selectors in the others. */
  xor %eax, %eax
  mov %eax, %ds
  mov %eax, %es
  mov %eax, %fs
  mov %eax, %gs
  mov $boot_stack_end, %rsp
  mov %esi, boot_record
  mov %edi, boot_record + 4
  mov %ebp, boot_record + 8

  /* The leaves must be read now: after opting in, cpuid shows the outer machine. */
  mov $HYPERVISOR_LEAF, %eax
  cpuid
  mov %ebx, boot_record + 12
  cmp $SIGNATURE_KVM, %ebx
  jne enter
  mov $HYPERVISOR_LEAF + 1, %eax
  cpuid
  mov %eax, boot_record + 16
  lidt early_idtr
  mov $MSR_PVM_SIGNATURE, %ecx
  rdmsr
  cmp $PVM_SIGNATURE, %eax
  jne enter
  movl $1, boot_record + 20
  mov $boot_per_cpu_physical, %eax
  xor %edx, %edx
  mov $MSR_PVM_VIF, %ecx
  wrmsr /* native speed from here on */
enter:
  mov $boot_per_cpu, %rax
  wrgsbase %rax
  xor %ebp, %ebp
  call kernel_main
1: hlt
  jmp 1b

.section .data
.balign 16
.globl boot_gdt, boot_gdtr
/* Null, 32-bit code for the way up, 0x10 kernel code, 0x18 kernel data; the accessed bits are set, so the CPU writes
 * nothing. Each CPU gets its own table later (descriptors.cc). */
boot_gdt:
  .quad 0, 0x00cf9b000000ffff, 0x00af9b000000ffff, 0x00cf93000000ffff
boot_gdtr:
  .word boot_gdtr - boot_gdt - 1
  .long boot_gdt_physical, 0
early_idt:
  .fill 13, 16, 0
  /* An interrupt gate to 0x10:0xffffffff80100000, early_fault. */
  .word 0, 0x10
  .byte 0, 0x8e
  .word 0x8010
  .long 0xffffffff, 0
early_idt_end:
early_idtr:
  .word early_idt_end - early_idt - 1
  .quad early_idt
.balign 8
/* struct BootRecord in platform/platform.hh */
.globl boot_record
boot_record:
  .fill 4, 8, 0

/* User (bit 2) is set at every level everywhere: on kvm_pvm, touching a page without it never returns. Accessed and
 * dirty (0x60) are set in advance. */
#define TABLE 7
#define LARGE 0xe5 /* present, user, accessed, dirty, 2 MiB */
#define WRITABLE 2
#define UNCACHED 0x10
#define NX (1 << 63)

.section .page_tables, "aw"
.balign 4096
.globl boot_pml4, direct_pdpt, direct_pd, near_pdpt, image_pdpt, image_pd
boot_pml4:
  .quad image_pdpt_physical + TABLE /* the text where the loader put it, for the jump above; removed later */
  .fill 254, 8, 0
  .quad near_pdpt_physical + TABLE /* slot 255 */
  .fill 128, 8, 0
  .quad direct_pdpt_physical + TABLE /* slot 384 */
  .fill 126, 8, 0
  .quad image_pdpt_physical + TABLE /* slot 511 */
direct_pdpt:
  .quad direct_pd_physical + TABLE, direct_pd_physical + 0x1000 + TABLE
  .quad direct_pd_physical + 0x2000 + TABLE, direct_pd_physical + 0x3000 + TABLE
  .fill 508, 8, 0
image_pdpt:
  .quad image_pd_physical + TABLE /* as slot 0; removed later */
  .fill 509, 8, 0
  .quad image_pd_physical + TABLE
  .quad 0
/* The image once more (near_image.h). Tables of programs come beside it, and this one is never empty, so never freed. */
near_pdpt:
  .fill (NEAR_IMAGE >> 30) & 511, 8, 0
  .quad image_pd_physical + TABLE
  .quad 0
/* The first 4 GiB, the last of them uncached: devices. */
direct_pd:
  .set i, 0
  .rept 1536
  .quad (i << 21) + LARGE + WRITABLE + NX
  .set i, i + 1
  .endr
  .rept 512
  .quad (i << 21) + LARGE + WRITABLE + UNCACHED + NX
  .set i, i + 1
  .endr
/* The image three times, 32 MiB apart: text, constants, data. */
image_pd:
  .set i, 0
  .rept 16
  .quad (i << 21) + LARGE
  .set i, i + 1
  .endr
  .set i, 0
  .rept 16
  .quad (i << 21) + LARGE + NX
  .set i, i + 1
  .endr
  .set i, 0
  .rept 16
  .quad (i << 21) + LARGE + WRITABLE + NX
  .set i, i + 1
  .endr
  .fill 464, 8, 0

.section .bss
.balign 16
.globl boot_stack, boot_stack_end
/* CPU 0 boots on it and idles on it. */
boot_stack:
  .skip 8192
boot_stack_end:
