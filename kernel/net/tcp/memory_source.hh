// Where tables and slabs get their memory from: pages of the kernel, aligned_alloc() on a host.
#pragma once

#include <cstddef>

namespace plumbline::net::tcp {

struct MemorySource {
  // `bytes`, a power of two of at least 4096, aligned to 64 KiB or to `bytes` where that is less;
  // the contents are undefined. nullptr when there is none.
  void* (*allocate)(void* context, size_t bytes) = nullptr;
  void (*release)(void* context, void* memory, size_t bytes) = nullptr;
  void* context = nullptr;
};

}  // namespace plumbline::net::tcp
