// Finds who answers for a segment: a hash table from the two ends of a connection to its Flow.
//
// Open addressing with linear probing: a slot has the hash beside the pointer, so that a search
// reads one cache line of the table and then the flow it looks for, and moving slots never touches
// the flows. The hash is keyed, so that nobody can make keys that collide.
//
// The table grows and shrinks a few slots with each insertion and removal: first the new slots are
// cleared, then the old ones move; while that lasts, searches look into both. No call takes longer
// with more flows.
#pragma once

#include <cstdint>

#include "core/assert.hh"
#include "core/units.hh"
#include "net/tcp/flow.hh"
#include "net/tcp/memory_source.hh"
#include "net/tcp/secrets.hh"

namespace plumbline::net::tcp {

class FlowTable {
 public:
  FlowTable(const MemorySource& source, const Secrets::HashKeys& keys);
  // Forgets the flows, which are not its own.
  ~FlowTable();
  FlowTable(const FlowTable&) = delete;
  FlowTable& operator=(const FlowTable&) = delete;

  // Cannot be foreseen by who does not know the keys. Each step multiplies two words into 128 bits
  // and folds them; which bits of the words matter depends on the keys. (A function whose values
  // peers could see would have to be a stronger one: siphash.hh.)
  uint32_t hash(const FlowKey& key) const {
    // All IPv4 addresses have the same upper words: one multiplication less for them.
    uint64_t upper = mapped_;
    if ((key.local.words[0] | key.remote.words[0]) != 0) [[unlikely]]
      upper = mix(key.local.words[0] ^ keys_[0], key.remote.words[0] ^ keys_[1]);
    const uint64_t lower = mix(key.local.words[1] ^ keys_[2], key.remote.words[1] ^ keys_[3]);
    return static_cast<uint32_t>(mix(lower ^ upper ^ keys_[4], key.ports_and_zone() ^ keys_[5]));
  }

  // Loads what find() will look at first.
  void prefetch(const FlowKey& key) const {
    __builtin_prefetch(&current_.slots[hash(key) & current_.mask]);
  }

  // Loads what find() will look at next, and whoever uses the flow: the lines of a connection that
  // most segments need.
  void prefetch_flow(const FlowKey& key) const {
    constexpr size_t kLines = 6;
    const auto* const flow =
        reinterpret_cast<const std::byte*>(current_.slots[hash(key) & current_.mask].flow);
    for (size_t line = 0; line < kLines; ++line) __builtin_prefetch(flow + line * kCacheLine);
  }

  // Who answers for `key`; nullptr: nobody.
  Flow* find(const FlowKey& key) const {
    const uint32_t wanted = hash(key);
    Flow* const flow = search(current_, key, wanted);
    if (flow == nullptr && previous_.slots != nullptr) [[unlikely]]
      return search(previous_, key, wanted);
    return flow;
  }

  // Adds a flow whose key nobody answers for. False: no memory; has_room() says so before.
  bool insert(Flow& flow);
  bool has_room();
  // Takes out a flow that is in the table.
  void remove(Flow& flow);
  // Puts `with` in the place of `flow`, which has the same key and is in the table.
  void replace(Flow& flow, Flow& with);

  uint32_t size() const { return current_.used + previous_.used; }
  // What was taken from the source.
  size_t bytes() const;
  // True while slots are to be moved: maintain() does a part, for times without insertions.
  bool unfinished() const { return next_.slots != nullptr || previous_.slots != nullptr; }
  void maintain();

  // Calls visit(Flow&) for each; it must not change the table.
  template <typename Visit>
  void for_each(Visit&& visit) {
    for (const Slots* table : {&current_, &previous_}) {
      if (table->slots == nullptr) continue;
      for (uint32_t i = 0; i <= table->mask; ++i) {
        Flow* const flow = table->slots[i].flow;
        if (flow != nullptr && flow != &moved_) visit(*flow);
      }
    }
  }

 private:
  struct Slot {
    Flow* flow;  // nullptr: free; &moved_: it had one (in previous_ only)
    uint32_t hash;
  };
  struct Slots {
    Slot* slots = nullptr;
    uint32_t mask = 0;
    uint32_t used = 0;
    size_t bytes() const { return (size_t{mask} + 1) * sizeof(Slot); }
  };
  static constexpr uint32_t kFewest = 256;  // one page
  static constexpr uint32_t kMost = uint32_t{1} << 26;
  // Slots cleared, and moved, with each insertion or removal: half of the slots of a table that
  // doubles may be filled meanwhile, so 8 would do; more keeps the time short in which searches
  // look twice.
  static constexpr uint32_t kCleared = 128;
  static constexpr uint32_t kMoved = 32;
  // The same for maintain().
  static constexpr uint32_t kMaintained = 2048;

  static uint64_t mix(uint64_t a, uint64_t b) {
    const auto product = static_cast<unsigned __int128>(a) * b;
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
  }

  static Flow* search(const Slots& table, const FlowKey& key, uint32_t wanted) {
    for (uint32_t i = wanted;; ++i) {
      const Slot& slot = table.slots[i & table.mask];
      if (slot.flow == nullptr) return nullptr;
      if (slot.hash == wanted && slot.flow->key == key) return slot.flow;
    }
  }
  // Where in `table` the flow is; nullptr: not there.
  static Slot* locate(const Slots& table, const Flow& flow, uint32_t hash);
  static void put(Slots& table, Flow* flow, uint32_t hash);
  static void close_gap(Slots& table, Slot* gap);

  Slots allocate(uint32_t slots);
  void release(Slots& table);
  // Starts a change of size, where one is due.
  void consider();
  void advance(uint32_t cleared, uint32_t moved);
  void move(uint32_t slots);

  MemorySource source_;
  Secrets::HashKeys keys_;
  uint64_t mapped_;  // what upper words of 0 come to
  Slots current_;    // where flows are inserted
  Slots previous_;   // being emptied into current_, from slot 0 on
  Slots next_;       // being cleared, from slot 0 on
  uint32_t cleared_ = 0;
  uint32_t moved_from_ = 0;
  // Stands in slots of previous_ whose flow is gone: searches must go on behind them. Nobody asks
  // for its key, since no interface has that number.
  static Flow moved_;
};

}  // namespace plumbline::net::tcp
