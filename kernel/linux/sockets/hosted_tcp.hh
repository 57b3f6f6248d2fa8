// For hosted tests: a TCP network that begins and ends with each test.
#pragma once

#include <cstdint>

namespace plumbline::linux_abi {

void start_hosted_tcp();
// How many connections were left.
std::uint32_t stop_hosted_tcp();

}  // namespace plumbline::linux_abi
