// How a guest says why it ended.
#pragma once

#include <cstdint>

namespace plumbline {

// Written to QEMU's debug-exit device at port 0xf4; QEMU's exit status is then (value << 1) | 1.
enum class ExitCode : std::uint8_t {
  kOk = 0x10,           // status 33
  kPanic = 0x11,        // status 35
  kTestsFailed = 0x12,  // status 37
  kBadOption = 0x13,    // status 39
  kStuck = 0x14,        // status 41
};

}  // namespace plumbline
