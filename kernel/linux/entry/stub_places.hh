// Which instruction of a program an instruction of a stub stands for, and the reverse. Programs see
// the addresses that their own code has: unwind information exists for those alone.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "linux/entry/site_list.hh"

namespace plumbline::linux_abi {

// Bytes of `lea next(%rip), %rcx; jmp *slot(%rip)`, which stand for `syscall` in a stub.
inline constexpr std::uint64_t kStubCallLength = 13, kSyscallLength = 2;

// A site that was replaced.
struct StubPlace {
  CallSite site;
  // Where in the area the stub begins.
  std::uint32_t stub = 0;
};

// The place's instruction for an offset in the area: an address of the object's own. Within the
// call it is `syscall`, at the jump back, or the return, what follows the window. Empty: no stub
// has an instruction there. `places` are in order, as write_stubs makes them.
std::optional<std::uint64_t> original_address(std::span<const StubPlace> places,
                                              std::uint64_t offset);

// The offset in the area of what stands for the instruction at `address`, which lies within a
// window and is not its first (a jump to the stub stands there). Empty: nothing does.
std::optional<std::uint64_t> stub_offset(std::span<const StubPlace> places, std::uint64_t address);

}  // namespace plumbline::linux_abi
