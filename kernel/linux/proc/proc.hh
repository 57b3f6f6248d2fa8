// /proc and /sys.
#pragma once

#include "core/result.hh"

namespace plumbline::linux_abi {

// Mounts both. After make_root and the unpacking of archives; once. kENOMEM.
Status mount_proc_and_sys();

}  // namespace plumbline::linux_abi
