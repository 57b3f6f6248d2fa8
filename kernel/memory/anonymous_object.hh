// Memory that is nobody's file: what MAP_SHARED|MAP_ANONYMOUS and memfd map, and what the files of
// ramfs keep their content in.
#pragma once

#include <atomic>
#include <cstdint>

#include "memory/address_space.hh"
#include "memory/memory_object.hh"
#include "memory/page_store.hh"
#include "sync/lock_guard.hh"
#include "sync/mutex.hh"

namespace plumbline {

// Bytes from 0 to size() in pages that are made when they are first written or mapped. Portable.
//
// Two locks. `content_lock` is for who reads and writes the content through find and
// find_or_create: pages stay where they are while it is held. It may be held while a program's
// memory is touched, even where that is a mapping of this object: faults do not take it. The other
// one, inside, guards the store for a moment. Order: content_lock, address space, inner lock.
class AnonymousObject : public MemoryObject {
 public:
  explicit AnonymousObject(std::uint64_t size = 0) : size_(size) {}

  Result<PhysicalAddress> page(std::uint64_t index, bool for_writing) override;
  PhysicalAddress present_page(std::uint64_t index, bool for_writing) override;
  Status remove(std::uint64_t offset, std::uint64_t length) override {
    const LockGuard guard(content_lock);
    punch_hole(offset, length);
    return {};
  }
  std::uint64_t size() const override { return size_.load(std::memory_order_acquire); }

  Mutex content_lock;

  // The page's content; null for a hole. With content_lock.
  void* find(std::uint64_t index);
  // The same; holes become zeroed pages. Null when memory is short. With content_lock.
  void* find_or_create(std::uint64_t index);
  // PageStore::lend: shows the caller's page, which must outlive the object. Only whole pages: what
  // lies behind the end of the content in the last one can be seen through mappings.
  bool lend(std::uint64_t index, void* page);
  // Makes the object longer, without making pages; for a write beyond the end, before it stores its
  // bytes: what lies in the last page behind the old end is cleared. With content_lock.
  void grow(std::uint64_t size);
  // ftruncate(2): what lies beyond goes, also from mappings; new bytes read as zeros. With
  // content_lock; may sleep.
  void resize(std::uint64_t size);
  // fallocate(2), FALLOC_FL_PUNCH_HOLE: the range reads as zeros; whole pages of it are freed. With
  // content_lock; may sleep.
  void punch_hole(std::uint64_t offset, std::uint64_t length);
  // For SEEK_DATA and SEEK_HOLE, in pages. With content_lock.
  std::uint64_t next_page(std::uint64_t from, std::uint64_t end);
  std::uint64_t next_hole(std::uint64_t from, std::uint64_t end);
  // Pages that are there.
  std::uint64_t page_count();

 private:
  void clear(std::uint64_t offset, std::uint64_t end);
  void drop_pages(std::uint64_t first, std::uint64_t end, address_space::PrivateCopies copies);

  Mutex store_lock_;
  PageStore store_;
  std::atomic<std::uint64_t> size_;
};

}  // namespace plumbline
