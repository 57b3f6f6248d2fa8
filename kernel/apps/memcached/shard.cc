#include "apps/memcached/shard.hh"

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>

#include "apps/memcached/short_bytes.hh"
#include "core/assert.hh"

namespace plumbline::memcached {

namespace {

// " <flags> <length>\r\n"; returns its length, at most 25.
size_t write_suffix(std::byte* to, uint32_t flags, size_t length) {
  std::byte* at = to;
  *at++ = std::byte{' '};
  at += write_decimal(at, flags);
  *at++ = std::byte{' '};
  at += write_decimal(at, length);
  *at++ = std::byte{'\r'};
  *at++ = std::byte{'\n'};
  return static_cast<size_t>(at - to);
}

size_t decimal_length(uint64_t value) {
  size_t count = 1;
  while (value >= 10) {
    value /= 10;
    ++count;
  }
  return count;
}

size_t item_size(size_t key_length, uint32_t flags, size_t value_length) {
  return sizeof(Item) + key_length + 4 + decimal_length(flags) + decimal_length(value_length) +
         value_length + 2;
}

// A decimal number of memcached's incr: digits only (trailing spaces, as decr leaves them, are
// allowed), at most 20 characters, at most 2^64 - 1.
bool parse_counter(std::span<const std::byte> text, uint64_t& value) {
  size_t length = text.size();
  while (length > 0 && text[length - 1] == std::byte{' '}) --length;
  if (length == 0 || text.size() > 20) return false;
  value = 0;
  for (size_t i = 0; i < length; ++i) {
    const auto digit = static_cast<unsigned>(text[i]) - '0';
    if (digit > 9 || __builtin_mul_overflow(value, uint64_t{10}, &value) ||
        __builtin_add_overflow(value, uint64_t{digit}, &value))
      return false;
  }
  return true;
}

}  // namespace

Shard::Shard(std::span<std::byte> memory, const CoarseClock& clock, uint64_t cas_first,
             uint64_t cas_step)
    : memory_(memory), clock_(clock), next_cas_(cas_first), cas_step_(cas_step) {
  ASSERT(memory.size() >= kMinimumBytes && reinterpret_cast<uintptr_t>(memory.data()) % 64 == 0);
  // One bucket of 4 bytes for 128 bytes of memory: 3 %, and less than two items a bucket even when
  // all are small.
  const size_t buckets = std::bit_floor(memory.size() / 128);
  buckets_ = reinterpret_cast<ItemIndex*>(memory.data());
  bucket_mask_ = buckets - 1;
  const size_t words = (buckets / kBucketsPerPiece + 63) / 64;
  cleared_ = new (memory.data() + buckets * sizeof(ItemIndex)) uint64_t[words]{};
  // Large pages waste less at their ends, small ones let a small memory hold several size classes.
  page_size_ = std::min(std::bit_floor(memory.size() / 32), size_t{1} << 20);
  const size_t used = buckets * sizeof(ItemIndex) + words * sizeof(uint64_t);
  page_count_ = std::min((memory.size() - used) / (page_size_ + 1), kMaximumPages);
  page_class_ = reinterpret_cast<uint8_t*>(memory.data() + used);
  std::fill_n(page_class_, page_count_, kNoClass);
  const size_t first_page = (used + page_count_ + kUnit - 1) / kUnit * kUnit;
  if (first_page + page_count_ * page_size_ > memory.size()) --page_count_;
  pages_ = memory.data() + first_page;

  // Multiples of a cache line up to 1 KiB, then steps of a quarter.
  size_t size = kUnit;
  while (size < page_size_) {
    ASSERT(class_count_ < kClasses - 1);
    classes_[class_count_++].chunk_size = static_cast<uint32_t>(size);
    size = size < 1024 ? size + kUnit : (size + size / 4 + kUnit - 1) / kUnit * kUnit;
    // A class of which one chunk fills more than half a page might as well have the page.
    if (size > page_size_ / 2) size = page_size_;
  }
  classes_[class_count_++].chunk_size = static_cast<uint32_t>(page_size_);
}

void Shard::clear_piece(size_t piece) {
  // Element by element: another thread may be prefetching from it.
  for (size_t i = 0; i < kBucketsPerPiece; ++i)
    set_link(buckets_[piece * kBucketsPerPiece + i], kNoItem);
  cleared_[piece / 64] |= uint64_t{1} << piece % 64;
}

uint8_t Shard::class_for(size_t size) const {
  if (size <= 1024) return static_cast<uint8_t>((size - 1) / kUnit);
  uint8_t slab_class = 1024 / kUnit;
  while (classes_[slab_class].chunk_size < size) ++slab_class;
  return slab_class;
}

[[gnu::always_inline]] inline bool Shard::dead(const Item& item) const {
  const uint32_t now = clock_.now();
  if (item.expires != 0 && item.expires <= now) return true;
  if (item.cas < flush_cas_) return true;
  return flush_time_ != 0 && flush_time_ <= now && item.stored < flush_time_;
}

[[gnu::always_inline]] inline Item* Shard::lookup(std::span<const std::byte> key, uint64_t hash) {
  const auto low = static_cast<uint32_t>(hash);
  for (ItemIndex index = bucket(hash); index != kNoItem;) {
    Item* const item = at(index);
    if (item->hash == low && item->key_length == key.size() &&
        equal_short(item->text(), key.data(), key.size())) {
      if (dead(*item)) [[unlikely]] {
        if (!item->fetched) ++statistics_.expired_unfetched;
        discard(item);
        return nullptr;
      }
      return item;
    }
    index = item->next_in_bucket;
  }
  return nullptr;
}

Item* Shard::find(std::span<const std::byte> key, uint64_t hash) {
  Item* const item = lookup(key, hash);
  // Written only when it changes, so that reading alone leaves the line clean.
  if (item != nullptr && !item->active) {
    item->active = true;
    item->fetched = true;
  }
  return item;
}

void Shard::order_push(Item* item) {
  SlabClass& slab = classes_[item->slab_class];
  const ItemIndex index = index_of(item);
  item->newer = kNoItem;
  item->older = slab.newest;
  if (slab.newest != kNoItem) at(slab.newest)->newer = index;
  slab.newest = index;
  if (slab.oldest == kNoItem) slab.oldest = index;
}

void Shard::order_remove(Item* item) {
  SlabClass& slab = classes_[item->slab_class];
  if (item->newer != kNoItem) {
    at(item->newer)->older = item->older;
  } else {
    slab.newest = item->older;
  }
  if (item->older != kNoItem) {
    at(item->older)->newer = item->newer;
  } else {
    slab.oldest = item->newer;
  }
}

void Shard::link(Item* item, uint64_t hash) {
  ItemIndex& first = bucket(hash);
  item->hash = static_cast<uint32_t>(hash);
  item->next_in_bucket = first;
  item->linked = true;
  set_link(first, index_of(item));
  order_push(item);
  ++statistics_.items;
  statistics_.bytes += item->total_size();
}

void Shard::unlink(Item* item) {
  const ItemIndex index = index_of(item);
  ItemIndex* link = &bucket(item->hash);
  while (*link != index) link = &at(*link)->next_in_bucket;
  set_link(*link, item->next_in_bucket);
  order_remove(item);
  --statistics_.items;
  statistics_.bytes -= item->total_size();
}

void Shard::free_chunk(Item* item) {
  SlabClass& slab = classes_[item->slab_class];
  item->linked = false;
  item->next_in_bucket = slab.free;
  slab.free = index_of(item);
}

void Shard::discard(Item* item) {
  unlink(item);
  free_chunk(item);
}

bool Shard::evict(uint8_t slab_class) {
  SlabClass& slab = classes_[slab_class];
  // Bounded, so that a store's cost is: after so many second chances the oldest goes anyway.
  constexpr int kSecondChances = 16;
  for (int chance = 0; slab.oldest != kNoItem; ++chance) {
    Item* const item = at(slab.oldest);
    if (dead(*item)) {
      ++statistics_.reclaimed;
      if (!item->fetched) ++statistics_.expired_unfetched;
    } else if (item->active && chance < kSecondChances) {
      item->active = false;
      order_remove(item);
      order_push(item);
      continue;
    } else {
      ++statistics_.evictions;
      if (!item->fetched) ++statistics_.evicted_unfetched;
    }
    discard(item);
    return true;
  }
  return false;
}

// Empties a page and takes its chunks out of its class.
void Shard::release_page(size_t number) {
  SlabClass& slab = classes_[page_class_[number]];
  std::byte* const start = page(number);
  const auto first = static_cast<size_t>(start - memory_.data());
  const size_t end = first + page_size_;
  const bool being_cut = slab.cursor_end > first && slab.cursor_end <= end;
  const size_t cut_end =
      being_cut ? slab.cursor : first + page_size_ / slab.chunk_size * slab.chunk_size;
  for (size_t offset = first; offset < cut_end; offset += slab.chunk_size) {
    Item* const item = reinterpret_cast<Item*>(memory_.data() + offset);
    if (!item->linked) continue;
    ++statistics_.evictions;
    discard(item);
  }
  if (being_cut) slab.cursor = slab.cursor_end = 0;
  for (ItemIndex* link = &slab.free; *link != kNoItem;) {
    const size_t offset = size_t{*link} * kUnit;
    if (offset >= first && offset < end) {
      *link = at(*link)->next_in_bucket;
    } else {
      link = &at(*link)->next_in_bucket;
    }
  }
  --slab.pages;
}

bool Shard::take_page(uint8_t slab_class) {
  size_t number;
  if (pages_used_ < page_count_) {
    number = pages_used_++;
  } else {
    // Only a class that has nothing to evict takes another's page.
    if (classes_[slab_class].pages != 0) return false;
    uint8_t donor = 0;
    for (uint8_t i = 1; i < class_count_; ++i)
      if (classes_[i].pages > classes_[donor].pages) donor = i;
    number = 0;
    while (page_class_[number] != donor) ++number;
    release_page(number);
    ++statistics_.pages_moved;
  }
  page_class_[number] = slab_class;
  SlabClass& slab = classes_[slab_class];
  ++slab.pages;
  slab.cursor = static_cast<size_t>(page(number) - memory_.data());
  slab.cursor_end = slab.cursor + page_size_ / slab.chunk_size * slab.chunk_size;
  return true;
}

Item* Shard::take_chunk(uint8_t slab_class) {
  SlabClass& slab = classes_[slab_class];
  if (slab.free == kNoItem) {
    if (slab.cursor == slab.cursor_end && !take_page(slab_class) && !evict(slab_class))
      return nullptr;
  }
  Item* item;
  if (slab.free != kNoItem) {
    item = at(slab.free);
    slab.free = item->next_in_bucket;
  } else {
    item = reinterpret_cast<Item*>(memory_.data() + slab.cursor);
    slab.cursor += slab.chunk_size;
  }
  item->slab_class = slab_class;
  item->linked = false;
  return item;
}

Item* Shard::allocate(size_t size) { return take_chunk(class_for(size)); }

void Shard::fill(Item* item, const StoreRequest& request, std::span<const std::byte> first,
                 std::span<const std::byte> second) {
  const size_t length = first.size() + second.size();
  item->flags = request.flags;
  item->expires = request.expires;
  item->stored = clock_.now();
  item->value_length = static_cast<uint32_t>(length);
  item->key_length = static_cast<uint8_t>(request.key.size());
  item->active = false;
  item->fetched = false;
  copy_short(item->text(), request.key.data(), request.key.size());
  item->suffix_length =
      static_cast<uint8_t>(write_suffix(item->text() + request.key.size(), request.flags, length));
  std::byte* to = item->value();
  if (!first.empty()) copy_short(to, first.data(), first.size());
  to += first.size();
  if (!second.empty()) copy_short(to, second.data(), second.size());
  to += second.size();
  to[0] = std::byte{'\r'};
  to[1] = std::byte{'\n'};
  item->cas = next_cas_;
  next_cas_ += cas_step_;
}

// Stores first + second under the request's key in place of `old` (or nullptr). The pieces may lie
// in `old`.
StoreOutcome Shard::write(Item* old, const StoreRequest& request, std::span<const std::byte> first,
                          std::span<const std::byte> second) {
  const size_t size = item_size(request.key.size(), request.flags, first.size() + second.size());
  if (size > page_size_) {
    // An old value must not outlive the attempt to replace it (memcached does the same).
    if (old != nullptr) discard(old);
    return StoreOutcome::kTooLarge;
  }
  ++statistics_.total_items;
  const bool from_old = old != nullptr && (first.data() == old->value_bytes().data() ||
                                           second.data() == old->value_bytes().data());
  if (old != nullptr && !from_old && old->slab_class == class_for(size)) {
    // Same chunk size: overwritten where it is. Marking it as read keeps it as well as moving it to
    // the young end would, without touching its neighbours (four cache misses).
    statistics_.bytes -= old->total_size();
    fill(old, request, first, second);
    statistics_.bytes += old->total_size();
    old->active = true;
    return StoreOutcome::kStored;
  }
  if (old != nullptr && !from_old) {
    discard(old);
    old = nullptr;
  }
  // The old item must survive this allocation when the new value is made of it.
  const uint64_t old_cas = old != nullptr ? old->cas : 0;
  Item* const item = allocate(size);
  if (item == nullptr) return StoreOutcome::kOutOfMemory;
  if (old != nullptr && (item == old || !old->linked || old->cas != old_cas)) {
    free_chunk(item);
    return StoreOutcome::kOutOfMemory;
  }
  fill(item, request, first, second);
  if (old != nullptr) discard(old);
  link(item, request.hash);
  return StoreOutcome::kStored;
}

StoreOutcome Shard::store(StoreMode mode, const StoreRequest& request) {
  Item* const old = lookup(request.key, request.hash);
  switch (mode) {
    case StoreMode::kSet:
      break;
    case StoreMode::kAdd:
      if (old != nullptr) {
        old->active = true;
        return StoreOutcome::kNotStored;
      }
      break;
    case StoreMode::kReplace:
      if (old == nullptr) return StoreOutcome::kNotStored;
      break;
    case StoreMode::kCas:
      if (old == nullptr) return StoreOutcome::kNotFound;
      if (old->cas != request.cas) return StoreOutcome::kExists;
      break;
    case StoreMode::kAppend:
    case StoreMode::kPrepend: {
      if (old == nullptr) return StoreOutcome::kNotStored;
      // Flags and expiry stay the old item's.
      StoreRequest joined = request;
      joined.flags = old->flags;
      joined.expires = old->expires;
      return mode == StoreMode::kAppend ? write(old, joined, old->value_bytes(), request.value)
                                        : write(old, joined, request.value, old->value_bytes());
    }
  }
  return write(old, request, request.value, {});
}

bool Shard::remove(std::span<const std::byte> key, uint64_t hash) {
  Item* const item = lookup(key, hash);
  if (item == nullptr) return false;
  discard(item);
  return true;
}

bool Shard::touch(std::span<const std::byte> key, uint64_t hash, uint32_t expires) {
  Item* const item = find(key, hash);
  if (item == nullptr) return false;
  item->expires = expires;
  return true;
}

DeltaOutcome Shard::add_delta(std::span<const std::byte> key, uint64_t hash, uint64_t delta,
                              bool increment, uint64_t& result) {
  Item* const item = find(key, hash);
  if (item == nullptr) return DeltaOutcome::kNotFound;
  uint64_t value;
  if (!parse_counter(item->value_bytes(), value)) return DeltaOutcome::kNotNumeric;
  // incr wraps around at 64 bits, decr stops at 0 (protocol.txt).
  result = increment ? value + delta : (value > delta ? value - delta : 0);
  std::array<std::byte, 20> digits;
  const size_t length = write_decimal(digits.data(), result);
  if (length <= item->value_length) {
    // In place, filled up with spaces: decr does not shorten the value (protocol.txt).
    std::memcpy(item->value(), digits.data(), length);
    std::memset(item->value() + length, ' ', item->value_length - length);
    item->cas = next_cas_;
    next_cas_ += cas_step_;
    return DeltaOutcome::kDone;
  }
  // Not the item's own key: the item goes before the key is copied.
  const StoreRequest request{key, hash, item->flags, item->expires, {}, 0};
  return write(item, request, {digits.data(), length}, {}) == StoreOutcome::kStored
             ? DeltaOutcome::kDone
             : DeltaOutcome::kOutOfMemory;
}

void Shard::flush_all(int64_t delay) {
  const uint32_t at_time = clock_.expiry(delay);
  if (delay > 0 && at_time > clock_.now()) {
    flush_time_ = at_time;
    return;
  }
  // At once, by the CAS ids: an item stored after the command in the same second lives.
  flush_time_ = 0;
  flush_cas_ = next_cas_;
}

void Shard::reset_statistics() {
  statistics_.total_items = 0;
  statistics_.evictions = 0;
  statistics_.expired_unfetched = 0;
  statistics_.evicted_unfetched = 0;
  statistics_.reclaimed = 0;
  statistics_.pages_moved = 0;
}

void Shard::check_consistency() const {
  uint64_t in_buckets = 0;
  uint64_t bytes = 0;
  for (size_t number = 0; number <= bucket_mask_; ++number) {
    if (!is_cleared(number)) continue;
    for (ItemIndex index = buckets_[number]; index != kNoItem; index = at(index)->next_in_bucket) {
      const Item& item = *at(index);
      ASSERT(item.linked && bucket_of(item.hash) == number);
      ASSERT(item.total_size() <= classes_[item.slab_class].chunk_size);
      ++in_buckets;
      bytes += item.total_size();
    }
  }
  ASSERT(in_buckets == statistics_.items && bytes == statistics_.bytes);
  uint64_t in_order = 0;
  for (uint8_t i = 0; i < class_count_; ++i) {
    const SlabClass& slab = classes_[i];
    ItemIndex newer = kNoItem;
    for (ItemIndex index = slab.newest; index != kNoItem; index = at(index)->older) {
      ASSERT(at(index)->linked && at(index)->slab_class == i && at(index)->newer == newer);
      newer = index;
      ++in_order;
    }
    ASSERT(slab.oldest == newer);
    size_t chunks = 0;
    for (ItemIndex index = slab.free; index != kNoItem; index = at(index)->next_in_bucket) {
      ASSERT(!at(index)->linked && at(index)->slab_class == i);
      ++chunks;
    }
    ASSERT(chunks <= slab.pages * (page_size_ / slab.chunk_size));
  }
  ASSERT(in_order == in_buckets);
}

}  // namespace plumbline::memcached
