// Counters of what clients asked for, and the text of `stats`.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <span>

#include "apps/memcached/server_store.hh"

namespace plumbline::memcached {

enum class Count : uint8_t {
  kGet,
  kSet,
  kFlush,
  kTouch,
  kGetHits,
  kGetMisses,
  kDeleteHits,
  kDeleteMisses,
  kIncrHits,
  kIncrMisses,
  kDecrHits,
  kDecrMisses,
  kCasHits,
  kCasMisses,
  kCasBadValue,
  kTouchHits,
  kTouchMisses,
  kBytesRead,
  kStoreTooLarge,
  kStoreNoMemory,
  kCountOfCounts
};
inline constexpr size_t kCounts = static_cast<size_t>(Count::kCountOfCounts);

// The counters of one thread: it alone writes, others may read.
class alignas(64) Counters {
 public:
  void add(Count which, uint64_t by = 1) {
    auto& counter = values_[static_cast<size_t>(which)];
    // A single writer needs no locked addition.
    counter.store(counter.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
  }
  uint64_t get(Count which) const {
    return values_[static_cast<size_t>(which)].load(std::memory_order_relaxed);
  }

 private:
  std::array<std::atomic<uint64_t>, kCounts> values_{};
};

// All threads' counters, and where `stats reset` last set the zero.
class AllCounters {
 public:
  static constexpr size_t kMaximumThreads = 16;

  // Call before serving starts. False when there are kMaximumThreads already.
  bool attach(const Counters& counters);
  size_t threads() const { return count_; }
  uint64_t sum(Count which) const;
  void reset();

 private:
  uint64_t raw_sum(Count which) const;
  std::array<const Counters*, kMaximumThreads> all_{};
  std::array<std::atomic<uint64_t>, kCounts> zero_{};
  size_t count_ = 0;
};

// The server's name in `version` and `stats`: the memcached whose protocol it follows, then us.
inline constexpr char kServerVersion[] = "1.6.18-plumbline";

// Writes the answer of `stats`, "END\r\n" included, to `to`, which must hold kStatsBytes; returns
// its length.
inline constexpr size_t kStatsBytes = 4096;
size_t write_stats(std::span<char> to, ServerStore& store, const CoarseClock& clock,
                   const AllCounters& counters);
// The same for `stats settings`.
size_t write_settings(std::span<char> to, ServerStore& store, const AllCounters& counters);

}  // namespace plumbline::memcached
