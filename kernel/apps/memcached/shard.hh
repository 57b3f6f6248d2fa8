// One shard of the store: hash table, slab memory and eviction order in a fixed piece of memory.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <span>

#include "apps/memcached/coarse_clock.hh"
#include "apps/memcached/item.hh"

namespace plumbline::memcached {

enum class StoreMode : uint8_t { kSet, kAdd, kReplace, kAppend, kPrepend, kCas };
enum class StoreOutcome : uint8_t {
  kStored,
  kNotStored,
  kExists,
  kNotFound,
  kTooLarge,
  kOutOfMemory,
};
enum class DeltaOutcome : uint8_t { kDone, kNotFound, kNotNumeric, kOutOfMemory };

struct StoreRequest {
  std::span<const std::byte> key;
  uint64_t hash = 0;
  uint32_t flags = 0;
  uint32_t expires = 0;  // CoarseClock seconds
  std::span<const std::byte> value;
  uint64_t cas = 0;  // kCas only: the id that must still be current
};

struct ShardStatistics {
  uint64_t items = 0;
  uint64_t total_items = 0;
  uint64_t bytes = 0;  // headers, keys and values of the items that are linked
  uint64_t evictions = 0;
  uint64_t expired_unfetched = 0;
  uint64_t evicted_unfetched = 0;
  uint64_t reclaimed = 0;
  uint64_t pages_moved = 0;
};

// Not thread safe: Store guards it. Nothing is allocated after construction.
//
// Memory is divided into pages, each cut into chunks of one size class. When a class is out of
// chunks and pages, it evicts from its own end of the order; a class without any page takes one
// from the class that has most. The order is one list a class with a second chance (Corbató's
// clock, 1968): reading an item only marks it, so a get writes at most one flag.
class Shard {
 public:
  static constexpr size_t kMinimumBytes = 256 * 1024;
  static constexpr size_t kMaximumKey = 250;

  // `memory` is aligned to 64 bytes and at least kMinimumBytes long. `cas_first` and `cas_step`
  // make the ids of several shards distinct.
  Shard(std::span<std::byte> memory, const CoarseClock& clock, uint64_t cas_first = 1,
        uint64_t cas_step = 1);
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  // The live item under a key, marked as read, or nullptr. Valid until the next call that is not
  // find() or peek().
  Item* find(std::span<const std::byte> key, uint64_t hash);
  StoreOutcome store(StoreMode mode, const StoreRequest& request);
  bool remove(std::span<const std::byte> key, uint64_t hash);
  bool touch(std::span<const std::byte> key, uint64_t hash, uint32_t expires);
  // incr and decr of a decimal value; `result` is the new value.
  DeltaOutcome add_delta(std::span<const std::byte> key, uint64_t hash, uint64_t delta,
                         bool increment, uint64_t& result);
  // Drops every item that was stored before this call, or, for a positive delay, every one stored
  // before that time comes.
  void flush_all(int64_t delay);

  // For a burst's first passes; safe without the lock, and only hints.
  void prefetch_bucket(uint64_t hash) const { __builtin_prefetch(&buckets_[bucket_of(hash)]); }
  void prefetch_item(uint64_t hash) const {
    const ItemIndex index =
        std::atomic_ref(buckets_[bucket_of(hash)]).load(std::memory_order_relaxed);
    // An address, not an element: a bucket that was never used holds anything.
    const auto at = reinterpret_cast<uintptr_t>(memory_.data()) + size_t{index} * kUnit;
    __builtin_prefetch(reinterpret_cast<const void*>(at));
    __builtin_prefetch(reinterpret_cast<const void*>(at + 64));
    __builtin_prefetch(reinterpret_cast<const void*>(at + 128));
  }

  size_t memory_limit() const { return memory_.size(); }
  // The largest item, header and key included.
  size_t largest_item() const { return page_size_; }
  const ShardStatistics& statistics() const { return statistics_; }
  void reset_statistics();
  // Walks everything and aborts when links, counts and chunks disagree (tests).
  void check_consistency() const;

 private:
  static constexpr size_t kUnit = 64;
  static constexpr size_t kBucketsPerPiece = 1024;  // 4 KiB
  static constexpr size_t kClasses = 64;
  static constexpr uint8_t kNoClass = 0xff;
  static constexpr size_t kMaximumPages = 65536;

  struct SlabClass {
    uint32_t chunk_size = 0;
    ItemIndex free = kNoItem;
    ItemIndex newest = kNoItem;
    ItemIndex oldest = kNoItem;
    // The page that is being cut: chunks from `cursor` to `cursor_end` were never used.
    size_t cursor = 0;
    size_t cursor_end = 0;
    size_t pages = 0;
  };

  size_t bucket_of(uint64_t hash) const { return static_cast<uint32_t>(hash) & bucket_mask_; }
  // The bucket of a hash. The table is cleared a piece at a time, when a piece is first used:
  // clearing all of it would be most of the boot's time.
  ItemIndex& bucket(uint64_t hash) {
    const size_t number = bucket_of(hash);
    const size_t piece = number / kBucketsPerPiece;
    if ((cleared_[piece / 64] >> piece % 64 & 1) == 0) [[unlikely]]
      clear_piece(piece);
    return buckets_[number];
  }
  void clear_piece(size_t piece);
  bool is_cleared(size_t bucket) const {
    const size_t piece = bucket / kBucketsPerPiece;
    return (cleared_[piece / 64] >> piece % 64 & 1) != 0;
  }
  Item* at(ItemIndex index) const {
    return reinterpret_cast<Item*>(memory_.data() + size_t{index} * kUnit);
  }
  ItemIndex index_of(const Item* item) const {
    return static_cast<ItemIndex>(
        static_cast<size_t>(reinterpret_cast<const std::byte*>(item) - memory_.data()) / kUnit);
  }
  void set_link(ItemIndex& link, ItemIndex to) {
    std::atomic_ref(link).store(to, std::memory_order_relaxed);
  }
  std::byte* page(size_t number) const { return pages_ + number * page_size_; }

  uint8_t class_for(size_t size) const;
  bool dead(const Item& item) const;
  Item* lookup(std::span<const std::byte> key, uint64_t hash);
  Item* allocate(size_t size);
  Item* take_chunk(uint8_t slab_class);
  bool take_page(uint8_t slab_class);
  void release_page(size_t number);
  bool evict(uint8_t slab_class);
  void link(Item* item, uint64_t hash);
  void unlink(Item* item);
  void free_chunk(Item* item);
  void order_push(Item* item);
  void order_remove(Item* item);
  void discard(Item* item);
  void fill(Item* item, const StoreRequest& request, std::span<const std::byte> first,
            std::span<const std::byte> second);
  StoreOutcome write(Item* old, const StoreRequest& request, std::span<const std::byte> first,
                     std::span<const std::byte> second);

  std::span<std::byte> memory_;
  const CoarseClock& clock_;
  ItemIndex* buckets_;
  size_t bucket_mask_;
  uint64_t* cleared_;  // one bit a piece of the table
  std::byte* pages_;
  size_t page_size_;
  size_t page_count_;
  size_t pages_used_ = 0;
  uint8_t* page_class_;  // one byte a page, in front of the pages
  uint8_t class_count_ = 0;
  std::array<SlabClass, kClasses> classes_{};
  uint64_t next_cas_;
  uint64_t cas_step_;
  uint32_t flush_time_ = 0;  // items stored before it are dead once it has come; 0: none
  uint64_t flush_cas_ = 0;   // items with smaller ids are dead
  ShardStatistics statistics_;
};

}  // namespace plumbline::memcached
