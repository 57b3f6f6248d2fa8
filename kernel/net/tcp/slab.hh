// Objects of one size in chunks of memory: O(1), and chunks that are empty go back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

#include "core/intrusive_list.hh"
#include "core/units.hh"
#include "net/tcp/memory_source.hh"

namespace plumbline::net::tcp {

// Memory for objects of `object_bytes` each. Not synchronised. One empty chunk is kept, so that
// objects that come and go at a chunk's edge do not take memory from its source each time.
class SlabMemory {
 public:
  SlabMemory(const MemorySource& source, size_t object_bytes, size_t chunk_bytes, uint32_t limit);
  // All objects must have been released.
  ~SlabMemory();
  SlabMemory(const SlabMemory&) = delete;
  SlabMemory& operator=(const SlabMemory&) = delete;

  // Aligned to a cache line, or half of one where the object is a line and a half at most. nullptr:
  // no memory, or `limit` objects are out.
  void* allocate();
  void release(void* object);

  uint32_t used() const { return used_; }
  uint32_t limit() const { return limit_; }
  // What was taken from the source.
  size_t bytes() const { return chunks_ * chunk_bytes_; }
  // Gives the empty chunk back, too.
  void trim();

 private:
  struct FreeObject {
    FreeObject* next;
  };
  // At the start of each chunk, which is aligned to its size.
  struct Chunk {
    ListHook hook;
    FreeObject* free = nullptr;  // released objects
    uint32_t used = 0;
    uint32_t touched = 0;  // objects that were ever handed out; those behind have no links yet
  };
  static constexpr size_t kHeaderBytes = kCacheLine;
  static_assert(sizeof(Chunk) <= kHeaderBytes);

  static constexpr size_t alignment_of(size_t object_bytes) {
    return object_bytes <= kCacheLine + kCacheLine / 2 ? kCacheLine / 2 : kCacheLine;
  }
  Chunk* chunk_of(void* object) const {
    return reinterpret_cast<Chunk*>(align_down(reinterpret_cast<uintptr_t>(object), chunk_bytes_));
  }
  Chunk* new_chunk();
  void return_chunk(Chunk* chunk);

  MemorySource source_;
  size_t object_bytes_;
  size_t chunk_bytes_;
  uint32_t per_chunk_;
  uint32_t limit_;
  uint32_t used_ = 0;
  uint32_t chunks_ = 0;
  Chunk* spare_ = nullptr;  // empty, in no list
  // Chunks with both objects and room.
  IntrusiveList<Chunk, &Chunk::hook> partial_;
};

// The same for objects of type T.
template <typename T, size_t ChunkBytes = 64 * kKiB>
class Slab {
 public:
  static_assert(alignof(T) <= kCacheLine / 2 && sizeof(T) + kCacheLine <= ChunkBytes);

  Slab(const MemorySource& source, uint32_t limit)
      : memory_(source, sizeof(T), ChunkBytes, limit) {}

  // A T made of `arguments`; nullptr: no memory, or too many.
  template <typename... Arguments>
  T* make(Arguments&&... arguments) {
    void* const memory = memory_.allocate();
    return memory == nullptr ? nullptr : ::new (memory) T(std::forward<Arguments>(arguments)...);
  }
  void destroy(T* object) {
    object->~T();
    memory_.release(object);
  }
  uint32_t size() const { return memory_.used(); }
  uint32_t limit() const { return memory_.limit(); }
  size_t bytes() const { return memory_.bytes(); }
  void trim() { memory_.trim(); }

 private:
  SlabMemory memory_;
};

}  // namespace plumbline::net::tcp
