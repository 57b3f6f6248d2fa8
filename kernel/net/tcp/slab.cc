#include "net/tcp/slab.hh"

#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define PLUMBLINE_POISON 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define PLUMBLINE_POISON 1
#endif
#ifdef PLUMBLINE_POISON
#include <sanitizer/asan_interface.h>
#endif

namespace plumbline::net::tcp {

namespace {
// A released object that is used again is the sanitizer's to find, as if it came from the heap. The
// link of the free list stays readable to us alone by being uncovered before each use.
void forbid([[maybe_unused]] void* object, [[maybe_unused]] size_t bytes) {
#ifdef PLUMBLINE_POISON
  ASAN_POISON_MEMORY_REGION(object, bytes);
#endif
}
void allow([[maybe_unused]] void* object, [[maybe_unused]] size_t bytes) {
#ifdef PLUMBLINE_POISON
  ASAN_UNPOISON_MEMORY_REGION(object, bytes);
#endif
}
}  // namespace

SlabMemory::SlabMemory(const MemorySource& source, size_t object_bytes, size_t chunk_bytes,
                       uint32_t limit)
    : source_(source),
      object_bytes_(align_up(object_bytes, alignment_of(object_bytes))),
      chunk_bytes_(chunk_bytes),
      per_chunk_(static_cast<uint32_t>((chunk_bytes - kHeaderBytes) / object_bytes_)),
      limit_(limit) {
  ASSERT(per_chunk_ != 0);
}

SlabMemory::~SlabMemory() {
  ASSERT(used_ == 0);
  trim();
}

void SlabMemory::trim() {
  if (spare_ == nullptr) return;
  return_chunk(spare_);
  spare_ = nullptr;
}

SlabMemory::Chunk* SlabMemory::new_chunk() {
  if (spare_ != nullptr) return std::exchange(spare_, nullptr);
  void* const memory = source_.allocate(source_.context, chunk_bytes_);
  if (memory == nullptr) return nullptr;
  ASSERT(reinterpret_cast<uintptr_t>(memory) % chunk_bytes_ == 0);
  ++chunks_;
  forbid(static_cast<std::byte*>(memory) + kHeaderBytes, chunk_bytes_ - kHeaderBytes);
  return ::new (memory) Chunk;
}

void SlabMemory::return_chunk(Chunk* chunk) {
  --chunks_;
  allow(chunk, chunk_bytes_);
  source_.release(source_.context, chunk, chunk_bytes_);
}

void* SlabMemory::allocate() {
  if (used_ >= limit_) return nullptr;
  Chunk* chunk = partial_.front();
  if (chunk == nullptr) {
    chunk = new_chunk();
    if (chunk == nullptr) return nullptr;
    partial_.push_front(chunk);
  }
  void* object = chunk->free;
  if (object != nullptr) {
    allow(object, object_bytes_);
    chunk->free = chunk->free->next;
  } else {
    object = reinterpret_cast<std::byte*>(chunk) + kHeaderBytes + chunk->touched * object_bytes_;
    ++chunk->touched;
    allow(object, object_bytes_);
  }
  ++used_;
  if (++chunk->used == per_chunk_) partial_.remove(chunk);
  return object;
}

void SlabMemory::release(void* object) {
  Chunk* const chunk = chunk_of(object);
  ASSERT(chunk->used != 0);
  if (chunk->used == per_chunk_) partial_.push_front(chunk);
  chunk->free = ::new (object) FreeObject{chunk->free};
  forbid(object, object_bytes_);
  --used_;
  if (--chunk->used != 0) return;
  partial_.remove(chunk);
  // Whichever of two empty chunks was used last is the one that is in the cache.
  if (spare_ != nullptr) return_chunk(spare_);
  spare_ = chunk;
}

}  // namespace plumbline::net::tcp
