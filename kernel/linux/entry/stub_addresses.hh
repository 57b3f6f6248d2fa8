// Programs do not see stubs: where they can look at an address of their own code, it is the one
// that unwind information exists for.
#pragma once

#include <cstdint>

namespace plumbline::linux_abi {

// For an address in a stub, the address that the same instruction has in the program's file as it
// is mapped; others stay. May sleep.
std::uint64_t without_stub(std::uint64_t address);

// The reverse: for an address within code that a jump has covered, its place in the stub.
std::uint64_t with_stub(std::uint64_t address);

}  // namespace plumbline::linux_abi
