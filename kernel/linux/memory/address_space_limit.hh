// RLIMIT_AS: how many bytes a process may map (getrlimit(2)).
#pragma once

#include <cstdint>

#include "core/result.hh"

namespace plumbline::linux_abi {

// kENOMEM when the process may not map `added` bytes more. What it has mapped in [replaced, end)
// goes meanwhile, for MAP_FIXED. Free of cost without a limit.
Status check_address_space(std::uint64_t added, std::uint64_t replaced = 0, std::uint64_t end = 0);

}  // namespace plumbline::linux_abi
