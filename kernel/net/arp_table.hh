// Which Ethernet address an IPv4 neighbour has (RFC 826), with time-outs (RFC 1122, 2.3.2.1).
#pragma once

#include <array>
#include <optional>

#include "net/packet_buffer.hh"
#include "net/wire/addresses.hh"

namespace plumbline::net {

// A table of fixed size. While an address is being resolved, a few frames wait for it (RFC 1122,
// 2.3.2.2 asks for at least one); they belong to the table until take_waiting() or expiry.
// Times are nanoseconds of one monotonic clock. Not thread safe.
class ArpTable {
 public:
  static constexpr size_t kEntries = 64;
  static constexpr size_t kWaitingPerEntry = 3;
  static constexpr uint64_t kSecond = 1'000'000'000;
  static constexpr uint64_t kLifetime = 60 * kSecond;
  static constexpr uint64_t kRetryInterval = kSecond;
  static constexpr unsigned kAttempts = 3;

  enum class Outcome {
    kKnown,          // the frame may go: `mac` is set
    kWaiting,        // the frame was queued
    kAskAndWaiting,  // the frame was queued, and the caller must send a request
    kDropped,        // the queue is full: the frame was released
  };
  struct Resolution {
    Outcome outcome;
    MacAddress mac;
  };

  explicit ArpTable(BufferPool& pool) : pool_(&pool) {}
  ~ArpTable() { clear(); }
  ArpTable(const ArpTable&) = delete;
  ArpTable& operator=(const ArpTable&) = delete;

  // The neighbour's address, if known and not older than kLifetime.
  std::optional<MacAddress> lookup(Ipv4Address address, uint64_t now) const;
  struct Use {
    MacAddress mac;  // zero: not known
    bool ask = false;
  };
  // The same for sending. An entry in the second half of its life is still good, but the caller is
  // told, once a second, to ask: with luck traffic never waits for an answer.
  Use use(Ipv4Address address, uint64_t now);
  // What use() has said of a neighbour in the first half of its life, as the bytes of its address
  // in the lower six of the word. 0: ask use().
  uint64_t recent(Ipv4Address address, uint64_t now) const {
    const Recent& recent = recent_[address.value % kRecent];
    return recent.address == address && now < recent.until ? recent.mac : 0;
  }
  // Finds where `frame` may be sent, or keeps it until the answer comes. Takes over the frame
  // unless the outcome is kKnown. nullptr: only asks.
  Resolution resolve(Ipv4Address address, PacketBuffer* frame, uint64_t now);
  // Notes a neighbour's address. With `create` false only an entry that exists is updated: RFC
  // 826's merge for packets that were not meant for us. Returns the first of the frames that
  // waited, chained through `next`, to be sent to `mac` by the caller.
  PacketBuffer* learn(Ipv4Address address, MacAddress mac, bool create, uint64_t now);
  // Call about once a second. Forgets old entries, gives up on neighbours that did not answer
  // kAttempts requests (releasing what waited), and calls ask(context, address) for those to be
  // asked again. Returns the number of frames released.
  size_t expire(uint64_t now, void (*ask)(void* context, Ipv4Address address), void* context);
  // Forgets everything and releases what waits.
  void clear();

  size_t size() const;
  // True while some neighbour has not answered: expire() has something to do soon.
  bool resolving() const;

 private:
  enum class State : uint8_t { kFree, kIncomplete, kReachable };
  struct Entry {
    State state = State::kFree;
    uint8_t waiting_count = 0;
    uint8_t attempts = 0;
    MacAddress mac;
    Ipv4Address address;
    uint64_t time = 0;       // kReachable: learnt; kIncomplete: last asked
    uint64_t refreshed = 0;  // kReachable: last asked
    std::array<PacketBuffer*, kWaitingPerEntry> waiting{};
  };

  // The table is searched from its beginning; this is not. A power of two, by the address.
  static constexpr size_t kRecent = 8;
  struct Recent {
    Ipv4Address address;
    uint64_t mac = 0;
    uint64_t until = 0;
  };
  void remember(const Entry& entry);
  void forget_recent(Ipv4Address address);

  Entry* find(Ipv4Address address);
  // A free entry, or the one that was touched longest ago, emptied.
  Entry& take_entry();
  size_t reset(Entry& entry);

  BufferPool* pool_;
  std::array<Entry, kEntries> entries_{};
  std::array<Recent, kRecent> recent_{};
};

}  // namespace plumbline::net
