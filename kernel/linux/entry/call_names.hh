// The names of all system calls, for messages.
#pragma once

#include <cstdint>

namespace plumbline::linux_abi {

// Null for numbers that Linux does not use.
const char* call_name(std::uint64_t number);

}  // namespace plumbline::linux_abi
