// Pseudo-terminals as files: /dev/ptmx, and /dev/pts with a node for each (pts(4)).
#pragma once

#include "core/result.hh"

namespace plumbline::linux_abi {

// Mounts /dev/pts. After make_root; once. kENOMEM.
Status mount_pts();

}  // namespace plumbline::linux_abi
