// Thread stacks with an unmapped page below each.
#pragma once

#include <cstddef>
#include <cstdint>

namespace plumbline {

struct Stack {
  std::uint64_t bottom = 0;  // lowest usable address
  std::uint64_t top = 0;     // one past the highest
  unsigned order = 0;

  explicit operator bool() const { return top != 0; }
};

// A stack of at least `size` bytes; empty when memory is short. Stacks are kept mapped and used
// again, because unmapping one costs 3 us and an interrupt to every CPU.
Stack allocate_stack(std::size_t size);
void free_stack(Stack stack);

}  // namespace plumbline
