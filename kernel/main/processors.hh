// Bringing up the other CPUs.
#pragma once

#include <cstdint>
#include <span>

namespace plumbline {

// Starts the CPUs with these APIC ids (the running one is left out; at most kMaxCpus in all) and
// waits until each has set itself up. They wait then.
void start_processors(std::span<const std::uint32_t> apic_ids);
// Lets them run threads. Called after the low mappings, which they needed to start, are gone from
// the page tables.
void release_processors();

}  // namespace plumbline
