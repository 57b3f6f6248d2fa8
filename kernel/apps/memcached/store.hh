// The store: shards chosen by the key's hash, one lock for each.
#pragma once

#include <algorithm>
#include <bit>
#include <memory>
#include <new>
#include <span>

#include "apps/memcached/key_hash.hh"
#include "apps/memcached/shard.hh"

namespace plumbline::memcached {

// `Lock` has lock() and unlock(): the kernel's Spinlock, std::mutex in hosted tests. The shards and
// all items live in the given memory.
template <typename Lock>
class Store {
 public:
  static constexpr unsigned kMaximumShards = 16;
  // Less than this cannot hold the smallest shard.
  static constexpr size_t kMinimumBytes = Shard::kMinimumBytes + 4096;

  // `memory`: aligned to 64 bytes, at least kMinimumBytes; a hard limit for everything stored.
  // `seed`: for the hash; secret and random where requests come from strangers. `shards`: wanted,
  // reduced to a power of two that leaves each a useful size. With `concurrent` false, only one
  // thread calls, and locking costs one predicted branch.
  Store(std::span<std::byte> memory, const CoarseClock& clock, uint64_t seed, unsigned shards,
        bool concurrent)
      : memory_(memory), seed_(seed), concurrent_(concurrent) {
    constexpr size_t kUsefulShard = 4 << 20;
    shards = std::min({shards, kMaximumShards,
                       static_cast<unsigned>(std::max<size_t>(1, memory.size() / kUsefulShard))});
    shard_bits_ = static_cast<unsigned>(std::bit_width(std::max(shards, 1u)) - 1);
    slice_ = memory.size() / shard_count() / 64 * 64;
    for (size_t i = 0; i < shard_count(); ++i) {
      const auto slice = memory.subspan(i * slice_, slice_);
      new (slice.data()) Guarded(slice.subspan(sizeof(Guarded)), clock, i + 1, shard_count());
    }
  }
  ~Store() {
    for (size_t i = 0; i < shard_count(); ++i) std::destroy_at(&guarded(i));
  }
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  uint64_t hash(std::span<const std::byte> key) const { return hash_key(key, seed_); }

  // Calls function(Shard&) with the hash's shard locked.
  template <typename Function>
  decltype(auto) with(uint64_t hash, Function&& function) {
    Guarded& shard = guarded(shard_of(hash));
    const Hold hold(shard.lock, concurrent_);
    return function(shard.shard);
  }
  // Calls function(Shard&) for each shard in turn, locked.
  template <typename Function>
  void for_each(Function&& function) {
    for (size_t i = 0; i < shard_count(); ++i) {
      const Hold hold(guarded(i).lock, concurrent_);
      function(guarded(i).shard);
    }
  }
  // Locks everything while function() runs, which gets at shards by locked().
  template <typename Function>
  void with_all(Function&& function) {
    if (concurrent_)
      for (size_t i = 0; i < shard_count(); ++i) guarded(i).lock.lock();
    function();
    if (concurrent_)
      for (size_t i = shard_count(); i-- > 0;) guarded(i).lock.unlock();
  }
  Shard& locked(uint64_t hash) { return guarded(shard_of(hash)).shard; }

  void prefetch_bucket(uint64_t hash) { locked(hash).prefetch_bucket(hash); }
  void prefetch_item(uint64_t hash) { locked(hash).prefetch_item(hash); }

  size_t shard_count() const { return size_t{1} << shard_bits_; }
  size_t memory_limit() const { return memory_.size(); }
  size_t largest_item() { return guarded(0).shard.largest_item(); }

 private:
  struct alignas(64) Guarded {
    Guarded(std::span<std::byte> memory, const CoarseClock& clock, uint64_t cas_first,
            uint64_t cas_step)
        : shard(memory, clock, cas_first, cas_step) {}
    Lock lock;
    Shard shard;
  };
  class Hold {
   public:
    Hold(Lock& lock, bool wanted) : lock_(wanted ? &lock : nullptr) {
      if (lock_ != nullptr) lock_->lock();
    }
    ~Hold() {
      if (lock_ != nullptr) lock_->unlock();
    }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;

   private:
    Lock* lock_;
  };

  // Bits 32 and up; the table uses those below. The protocol keeps something else in the top eight.
  static_assert(kMaximumShards <= 1u << (56 - 32));
  size_t shard_of(uint64_t hash) const { return (hash >> 32) & (shard_count() - 1); }
  Guarded& guarded(size_t i) {
    return *std::launder(reinterpret_cast<Guarded*>(memory_.data() + i * slice_));
  }

  std::span<std::byte> memory_;
  uint64_t seed_;
  bool concurrent_;
  unsigned shard_bits_ = 0;
  size_t slice_ = 0;
};

}  // namespace plumbline::memcached
