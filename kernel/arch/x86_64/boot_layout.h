/* Fixed physical addresses, for C++ and assembly. */
#pragma once

/* Where the monitor puts what our firmware passes on (bench/src/vmm/start-info.ts): the kernel's
 * entry, and 8 bytes further the PVH start info. Up to AP_PAGE. */
#define START_PAGE 0x1000

/* Where the start-up code of the other CPUs is copied: free in every PVH loader's layout (QEMU puts
 * the command line at 0x20000), and below 1 MiB as real mode demands. */
#define AP_PAGE 0x8000
