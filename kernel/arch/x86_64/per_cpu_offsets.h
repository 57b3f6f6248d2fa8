/* Offsets into PerCpu (core/per_cpu.hh) for assembly; arch/x86_64/descriptors.cc checks them. */
#pragma once

#define PER_CPU_ENABLED 0
#define PER_CPU_PENDING 1
#define PER_CPU_SELF 4096
#define PER_CPU_STACK_LIMIT 4112
#define PER_CPU_NEED_RESCHEDULE 4124
#define PER_CPU_MASKED_BY_HOST 4128
