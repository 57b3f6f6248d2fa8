// QEMU's firmware configuration device (docs/specs/fw_cfg). Each access exits.
#pragma once

#include <cstdint>

namespace plumbline {

// The number of CPUs according to the device; 0 when it is not there.
unsigned fw_cfg_cpu_count();

}  // namespace plumbline
