#include "net/packet_buffer.hh"

#include <doctest/doctest.h>

#include <set>

#include "net/test_network.hh"

namespace plumbline::net {
namespace {

TEST_CASE("a pool hands out each buffer once and counts what is out") {
  AlignedMemory memory(BufferPool::bytes_needed(100));
  BufferPool pool;
  CHECK(pool.allocate() == nullptr);
  pool.init(memory.span().first(BufferPool::bytes_needed(100)), 0x10000);
  CHECK(pool.count() == 100);
  std::set<PacketBuffer*> seen;
  std::set<size_t> cache_sets;
  while (PacketBuffer* buffer = pool.allocate()) {
    seen.insert(buffer);
    CHECK(buffer->tailroom() == BufferPool::kCapacity);
    CHECK(buffer->data_physical() ==
          0x10000 + static_cast<uint64_t>(buffer->data - memory.span().data()));
    CHECK(reinterpret_cast<uintptr_t>(buffer->start()) % 64 == 0);
    if (seen.size() <= 64)
      cache_sets.insert(reinterpret_cast<uintptr_t>(buffer->start()) / 64 % 64);
    // The whole buffer is writable and nobody else's.
    std::memset(buffer->start(), 0x5a, PacketBuffer::kHeadroom + buffer->capacity);
  }
  CHECK(seen.size() == 100);
  CHECK(cache_sets.size() == 64);
  CHECK(pool.in_use() == 100);
  for (PacketBuffer* buffer : seen) pool.release(buffer);
  CHECK(pool.in_use() == 0);
}

TEST_CASE("a chain is released whole, and the newest buffer comes first") {
  AlignedMemory memory(BufferPool::bytes_needed(4));
  BufferPool pool;
  pool.init(memory.span().first(BufferPool::bytes_needed(4)), 0);
  PacketBuffer* const first = pool.allocate();
  first->next = pool.allocate();
  first->next->next = pool.allocate();
  pool.release_chain(first);
  CHECK(pool.in_use() == 0);
  PacketBuffer* const one = pool.allocate();
  one->length = 99;
  one->checksum = ChecksumState::kValid;
  pool.release(one);
  CHECK(pool.allocate() == one);
  CHECK(one->length == 0);
  CHECK(one->checksum == ChecksumState::kUnknown);
}

TEST_CASE("a buffer goes back with its last reference, wherever that is given up") {
  AlignedMemory memory(BufferPool::bytes_needed(4));
  BufferPool pool;
  BufferPool other;
  pool.init(memory.span().first(BufferPool::bytes_needed(2)), 0);
  AlignedMemory other_memory(BufferPool::bytes_needed(2));
  other.init(other_memory.span().first(BufferPool::bytes_needed(2)), 0);
  PacketBuffer* const shared = pool.allocate();
  REQUIRE(shared->share());
  REQUIRE(shared->share());
  pool.release(shared);
  release(shared);
  CHECK(shared->references == 1);
  CHECK(pool.in_use() == 1);
  // A frame of buffers of several sources, given to one of them.
  shared->next = other.allocate();
  other.release_chain(shared);
  CHECK(pool.in_use() == 0);
  CHECK(other.in_use() == 0);
  CHECK(pool.allocate() == shared);
  CHECK(shared->next == nullptr);
  // References are counted in a byte.
  for (unsigned i = 1; i < PacketBuffer::kMostReferences; ++i) REQUIRE(shared->share());
  CHECK_FALSE(shared->share());
  for (unsigned i = 0; i < PacketBuffer::kMostReferences; ++i) release(shared);
  CHECK(pool.in_use() == 0);
}

}  // namespace
}  // namespace plumbline::net
