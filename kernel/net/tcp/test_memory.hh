// For hosted tests: memory that is counted, can run out, and is never zero at first.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "net/tcp/memory_source.hh"

namespace plumbline::net::tcp {

class TestMemory {
 public:
  TestMemory() = default;
  TestMemory(const TestMemory&) = delete;
  TestMemory& operator=(const TestMemory&) = delete;

  MemorySource source() {
    return {
        [](void* self, size_t bytes) { return static_cast<TestMemory*>(self)->allocate(bytes); },
        [](void* self, void* memory, size_t bytes) {
          static_cast<TestMemory*>(self)->bytes_ -= bytes;
          std::free(memory);
        },
        this};
  }
  // Bytes that are out.
  size_t bytes() const { return bytes_; }
  // No more than that from now on.
  void set_limit(size_t bytes) { limit_ = bytes; }

 private:
  void* allocate(size_t bytes) {
    if (bytes > limit_ || bytes_ > limit_ - bytes) return nullptr;
    void* const memory = std::aligned_alloc(bytes < 65536 ? bytes : 65536, bytes);
    if (memory == nullptr) return nullptr;
    std::memset(memory, 0xa5, bytes);
    bytes_ += bytes;
    return memory;
  }

  size_t bytes_ = 0;
  size_t limit_ = SIZE_MAX;
};

}  // namespace plumbline::net::tcp
