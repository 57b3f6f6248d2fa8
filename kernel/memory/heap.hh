// The kernel heap behind operator new and delete: per-CPU slabs, freed across CPUs without a lock.
#pragma once

#include <cstddef>
#include <cstdint>

namespace plumbline {

// At least `size` bytes aligned to `alignment` (a power of two up to a page). Null when memory is
// short. Callable in interrupt handlers.
void* heap_allocate(std::size_t size, std::size_t alignment = 16);
// Gives back what heap_allocate returned, on any CPU. Null is allowed.
void heap_free(void* pointer);

// Gives CPU `cpu` its heap; called by that CPU before it allocates.
void initialise_heap();

struct HeapStatistics {
  std::uint64_t slabs;         // in use now
  std::uint64_t remote_frees;  // handed back to another CPU's heap so far
};
HeapStatistics heap_statistics();

}  // namespace plumbline
