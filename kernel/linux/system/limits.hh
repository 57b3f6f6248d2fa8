// Resource limits (getrlimit(2)).
#pragma once

#include <cstdint>

namespace plumbline::linux_abi {

class Process;

// Indices of Process::limits (include/uapi/asm-generic/resource.h).
inline constexpr unsigned kLimitCpu = 0, kLimitFileSize = 1, kLimitData = 2, kLimitStack = 3,
                          kLimitCore = 4, kLimitResident = 5, kLimitProcesses = 6, kLimitFiles = 7,
                          kLimitLocked = 8, kLimitAddressSpace = 9, kLimitLocks = 10,
                          kLimitPendingSignals = 11, kLimitMessages = 12, kLimitNice = 13,
                          kLimitRealTime = 14, kLimitRealTimeSpan = 15;
inline constexpr std::uint64_t kNoLimit = ~std::uint64_t{0};

// The first process's limits, those of Linux.
void set_initial_limits(Process& process);

}  // namespace plumbline::linux_abi
