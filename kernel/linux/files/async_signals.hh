// SIGIO: files that tell their owner by a signal when they become ready (fcntl(2), "Managing
// signals").
#pragma once

#include "core/result.hh"
#include "fs/file.hh"

namespace plumbline::linux_abi {

// Brings what is watched in line with the file's O_ASYNC flag and owner, which have just been
// changed. Files whose readiness never changes are not watched. kENOMEM.
Status update_async_signals(File& file);

}  // namespace plumbline::linux_abi
