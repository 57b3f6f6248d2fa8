/* The second mapping of the kernel's image, close to the programs; for C++ and assembly.
 *
 * A program calls by jumping into the kernel and is jumped back to. AMD's processors keep the upper
 * bits of a jump's target out of their usual entries of the branch target buffer: where they differ
 * from those of the jump itself (bits 37 and up on an EPYC), each jump costs 0.85 ns more.
 * Libraries lie below 0x7ffe'8000'0000 (memory/address_space_state.hh) and the kernel is linked to
 * the other end of the address space, as -mcmodel=kernel demands. So the pages of the image are
 * mapped here as well, with the same rights (start.S shares the page directory), and what programs
 * jump to is named by its near address: the slot of the stubs and the table of calls. The distances
 * between text, constants and data are the same, so code that finds its data relative to RIP runs
 * at either place; addresses in words and in immediate operands are always the linked ones, and
 * lead back there.
 *
 * Nothing else knows near addresses: an interrupt or a fault moves an interrupted near address to
 * the linked one when it enters (entry.S), and backtraces do with return addresses. */
#pragma once

/* Where the image is linked to, before the load address (kernel.ld). */
#define LINKED_IMAGE 0xffffffff80000000
/* A near address is the linked one without its 17 upper bits: sign extension from bit 46 leads
 * back. */
#define NEAR_IMAGE_SHIFT 17
#define NEAR_IMAGE 0x00007fff80000000
/* Text, constants and data have 32 MiB each (memory/address.hh: kImageMapStride). */
#define NEAR_TEXT_LENGTH_SHIFT 25
