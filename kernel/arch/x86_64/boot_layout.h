/* Fixed physical addresses, for C++ and assembly. */
#pragma once

/* Where the start-up code of the other CPUs is copied: free in every PVH loader's layout (QEMU puts
 * the command line at 0x20000), and below 1 MiB as real mode demands. */
#define AP_PAGE 0x8000
