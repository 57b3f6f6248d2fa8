// IPv6 neighbours: their Ethernet addresses, and whether they are still there (RFC 4861, section
// 7).
#pragma once

#include <array>
#include <optional>

#include "net/packet_buffer.hh"
#include "net/wire/ip_address.hh"

namespace plumbline::net {

// A table of fixed size with the states of RFC 4861, section 7.3.2. While a neighbour is not known
// a few frames wait for it; they belong to the table until they are returned or released. Times are
// nanoseconds of one clock. Not thread safe.
class Neighbours {
 public:
  static constexpr size_t kEntries = 64;
  static constexpr size_t kWaitingPerEntry = 3;
  // Section 10.
  static constexpr uint64_t kSecond = 1'000'000'000;
  static constexpr uint64_t kDelayFirstProbe = 5 * kSecond;
  static constexpr uint64_t kRetransmit = kSecond;
  static constexpr unsigned kMulticastSolicits = 3;
  static constexpr unsigned kUnicastSolicits = 3;

  enum class State : uint8_t { kFree, kIncomplete, kReachable, kStale, kDelay, kProbe };
  enum class Outcome {
    kWaiting,
    kAskAndWaiting,  // and the caller must ask everybody
    kDropped,        // the queue is full: the frame was released
  };

  explicit Neighbours(BufferPool& pool) : pool_(&pool) {}
  ~Neighbours() { clear(); }
  Neighbours(const Neighbours&) = delete;
  Neighbours& operator=(const Neighbours&) = delete;

  struct Use {
    uint64_t mac = 0;    // in the lower six bytes; 0: not known
    uint64_t until = 0;  // so long the answer stays the same unless something is learnt
  };
  // Where a packet to this neighbour goes. Using one that was not heard of lately makes expire()
  // ask whether it is still there.
  Use use(const IpAddress& address, uint64_t now);
  // Keeps `frame`, which is taken over, until the neighbour is known; nullptr: there is none, and
  // the neighbour is only asked for.
  Outcome wait(const IpAddress& address, PacketBuffer* frame, uint64_t now);

  // A neighbour told its address with something that it asked. The frames that waited for it,
  // chained by `next`.
  PacketBuffer* learn(const IpAddress& address, MacAddress mac, uint64_t now);
  // A neighbour advertisement (section 7.2.5); `mac` zero: without an address. The frames that
  // waited. `reachable_time`: how long it counts as there.
  PacketBuffer* advertised(const IpAddress& address, MacAddress mac, bool solicited, bool overrides,
                           uint64_t now, uint64_t reachable_time);

  // What to do about one neighbour.
  struct Step {
    IpAddress address;
    uint64_t mac = 0;     // whom to ask; 0: everybody
    bool failed = false;  // it did not answer, and was forgotten
  };
  // Call about once a second; calls step(context, Step) for each neighbour to be asked or given up.
  void expire(uint64_t now, void (*step)(void* context, const Step& step), void* context);
  void clear();

  // True while expire() has something to do soon.
  bool busy() const;
  size_t size() const;
  State state(const IpAddress& address) const;

 private:
  struct Entry {
    State state = State::kFree;
    uint8_t waiting_count = 0;
    uint8_t asked = 0;
    uint64_t mac = 0;
    IpAddress address;
    uint64_t time = 0;  // of the state; of the last question
    uint64_t reachable_until = 0;
    std::array<PacketBuffer*, kWaitingPerEntry> waiting{};
  };

  Entry* find(const IpAddress& address);
  Entry& take_entry(const IpAddress& address, uint64_t now);
  void reset(Entry& entry);
  static PacketBuffer* take_waiting(Entry& entry);

  BufferPool* pool_;
  std::array<Entry, kEntries> entries_{};
};

}  // namespace plumbline::net
