// ioctl(2) about network interfaces (netdevice(7)).
#pragma once

#include <cstdint>

#include "core/result.hh"

namespace plumbline::linux_abi {

// SIOCGIFCONF, SIOCGIFFLAGS and the like, on any socket. kENOTTY: no such request; kENODEV: no such
// interface; kEPERM: requests that would change one.
Result<long> interface_request(std::uint32_t request, std::uint64_t argument);

}  // namespace plumbline::linux_abi
