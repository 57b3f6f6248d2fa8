// DPDK's environment: no huge pages, no PCI, no telemetry, no files that stay behind.
#pragma once

#include <string>
#include <vector>

namespace plumbline::generator {

// Starts it on `core` (the calling thread is pinned to it) with these virtual devices. Throws
// std::runtime_error.
void start_dpdk(int core, const std::vector<std::string>& devices);
void stop_dpdk();
std::string dpdk_version();
double tsc_hz();

}  // namespace plumbline::generator
