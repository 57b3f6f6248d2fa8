#include "apps/memcached/statistics.hh"

#include <cstring>
#include <string_view>

#include "apps/memcached/short_bytes.hh"
#include "core/assert.hh"

namespace plumbline::memcached {

namespace {

class StatLines {
 public:
  explicit StatLines(std::span<char> to) : to_(to) {}

  void line(std::string_view name, std::string_view value) {
    put("STAT ");
    put(name);
    put(" ");
    put(value);
    put("\r\n");
  }
  void line(std::string_view name, uint64_t value) {
    std::array<std::byte, 20> digits;
    const size_t length = write_decimal(digits.data(), value);
    line(name, {reinterpret_cast<const char*>(digits.data()), length});
  }
  size_t end() {
    put("END\r\n");
    return used_;
  }

 private:
  void put(std::string_view text) {
    ASSERT(used_ + text.size() <= to_.size());
    std::memcpy(to_.data() + used_, text.data(), text.size());
    used_ += text.size();
  }
  std::span<char> to_;
  size_t used_ = 0;
};

ShardStatistics sum_of_shards(ServerStore& store) {
  ShardStatistics sum;
  store.for_each([&](Shard& shard) {
    const ShardStatistics& one = shard.statistics();
    sum.items += one.items;
    sum.total_items += one.total_items;
    sum.bytes += one.bytes;
    sum.evictions += one.evictions;
    sum.expired_unfetched += one.expired_unfetched;
    sum.evicted_unfetched += one.evicted_unfetched;
    sum.reclaimed += one.reclaimed;
    sum.pages_moved += one.pages_moved;
  });
  return sum;
}

}  // namespace

bool AllCounters::attach(const Counters& counters) {
  if (count_ == kMaximumThreads) return false;
  all_[count_++] = &counters;
  return true;
}

uint64_t AllCounters::raw_sum(Count which) const {
  uint64_t sum = 0;
  for (size_t i = 0; i < count_; ++i) sum += all_[i]->get(which);
  return sum;
}

uint64_t AllCounters::sum(Count which) const {
  return raw_sum(which) - zero_[static_cast<size_t>(which)].load(std::memory_order_relaxed);
}

void AllCounters::reset() {
  for (size_t i = 0; i < kCounts; ++i)
    zero_[i].store(raw_sum(static_cast<Count>(i)), std::memory_order_relaxed);
}

size_t write_stats(std::span<char> to, ServerStore& store, const CoarseClock& clock,
                   const AllCounters& counters) {
  const ShardStatistics items = sum_of_shards(store);
  StatLines out(to);
  out.line("pid", 1);
  out.line("uptime", clock.uptime());
  out.line("time", clock.unix_now());
  out.line("version", kServerVersion);
  out.line("pointer_size", 64);
  static constexpr struct {
    std::string_view name;
    Count count;
  } kLines[] = {
      {"cmd_get", Count::kGet},
      {"cmd_set", Count::kSet},
      {"cmd_flush", Count::kFlush},
      {"cmd_touch", Count::kTouch},
      {"get_hits", Count::kGetHits},
      {"get_misses", Count::kGetMisses},
      {"delete_misses", Count::kDeleteMisses},
      {"delete_hits", Count::kDeleteHits},
      {"incr_misses", Count::kIncrMisses},
      {"incr_hits", Count::kIncrHits},
      {"decr_misses", Count::kDecrMisses},
      {"decr_hits", Count::kDecrHits},
      {"cas_misses", Count::kCasMisses},
      {"cas_hits", Count::kCasHits},
      {"cas_badval", Count::kCasBadValue},
      {"touch_hits", Count::kTouchHits},
      {"touch_misses", Count::kTouchMisses},
      {"store_too_large", Count::kStoreTooLarge},
      {"store_no_memory", Count::kStoreNoMemory},
      {"bytes_read", Count::kBytesRead},
  };
  for (const auto& entry : kLines) out.line(entry.name, counters.sum(entry.count));
  out.line("limit_maxbytes", store.memory_limit());
  out.line("accepting_conns", 1);
  out.line("threads", counters.threads());
  out.line("hash_is_expanding", uint64_t{0});
  out.line("slabs_moved", items.pages_moved);
  out.line("expired_unfetched", items.expired_unfetched);
  out.line("evicted_unfetched", items.evicted_unfetched);
  out.line("bytes", items.bytes);
  out.line("curr_items", items.items);
  out.line("total_items", items.total_items);
  out.line("evictions", items.evictions);
  out.line("reclaimed", items.reclaimed);
  return out.end();
}

size_t write_settings(std::span<char> to, ServerStore& store, const AllCounters& counters) {
  StatLines out(to);
  out.line("maxbytes", store.memory_limit());
  out.line("evictions", "on");
  out.line("cas_enabled", "yes");
  out.line("item_size_max", store.largest_item());
  out.line("num_threads", counters.threads());
  out.line("shards", store.shard_count());
  out.line("flush_enabled", "yes");
  return out.end();
}

}  // namespace plumbline::memcached
