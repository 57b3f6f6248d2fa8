// fcntl's record locks.
#pragma once

#include <cstdint>

#include "core/result.hh"
#include "fs/file.hh"

namespace plumbline::linux_abi {

// Commands of fcntl(2).
inline constexpr int kGetLock = 5, kSetLock = 6, kSetLockWait = 7, kGetOpenFileLock = 36,
                     kSetOpenFileLock = 37, kSetOpenFileLockWait = 38;

// `address`: struct flock.
Status lock_record(File& file, int command, std::uint64_t address);

}  // namespace plumbline::linux_abi
