/* Offsets into PerCpu (core/per_cpu.hh) and ApplicationState (application.hh) for assembly;
 * descriptors.cc checks them. */
#pragma once

#define PER_CPU_ENABLED 0
#define PER_CPU_PENDING 1
#define PER_CPU_SELF 4096
#define PER_CPU_STACK_LIMIT 4112
#define PER_CPU_KERNEL_STACK_TOP 4120
#define PER_CPU_APPLICATION 4128
#define PER_CPU_EXIT_RIP 4136
#define PER_CPU_NEED_RESCHEDULE 4148
#define PER_CPU_MASKED_BY_HOST 4152
#define APPLICATION_WORK 0
