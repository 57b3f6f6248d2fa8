// What CPUID tells of the processor, as /proc/cpuinfo shows it.
#pragma once

#include "linux/proc/text_buffer.hh"

namespace plumbline::linux_abi {

// One CPU's paragraph, with the empty line behind it.
void print_cpu(TextBuffer& text, unsigned cpu, unsigned cpus, unsigned apic_id,
               unsigned long long khz);

}  // namespace plumbline::linux_abi
