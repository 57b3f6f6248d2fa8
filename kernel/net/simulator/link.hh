// One direction of a path between two hosts, with everything that can happen to a frame on it.
//
// A Link decides and does not wait: it is told when a frame enters and answers when which bytes
// leave. So the simulator uses it in virtual time, and a process between two real interfaces can
// use it with a clock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/units.hh"
#include "net/simulator/random.hh"

namespace plumbline::net::simulator {

using Frame = std::vector<std::byte>;

// Everything off: a link of infinite rate that delivers at once.
struct LinkConditions {
  double loss = 0;        // probability that a frame is lost, on the average
  double loss_burst = 1;  // frames lost in a row, on the average (Gilbert 1960); 1: independently
  double reorder = 0;     // probability that a frame is held back while later ones pass it
  Nanoseconds reorder_delay = milliseconds(1);  // by at most this long
  double duplicate = 0;                         // probability that a frame arrives twice
  double corrupt = 0;       // probability of damage, which the checksums can always tell
  Nanoseconds delay{};      // propagation
  Nanoseconds jitter{};     // added at most, evenly distributed; keeps the order
  uint64_t rate = 0;        // bit/s of the bottleneck, 0: infinite
  uint32_t queue = 65536;   // bytes waiting in front of the bottleneck; more are dropped
  uint32_t mark = 0;        // bytes waiting from which on ECN-capable packets are marked; 0: never
  uint32_t mtu = 0;         // longest IP packet that passes; 0: any
  bool black_hole = false;  // packets that are too big vanish without an ICMP message
  Nanoseconds outage_from{};  // nothing passes from here ...
  Nanoseconds outage_to{};    // ... until here
};

struct LinkCounters {
  uint64_t entered = 0;
  uint64_t delivered = 0;  // copies included
  uint64_t lost = 0;
  uint64_t queue_dropped = 0;
  uint64_t too_big = 0;
  uint64_t reordered = 0;
  uint64_t duplicated = 0;
  uint64_t corrupted = 0;
  uint64_t marked = 0;
  uint64_t bytes = 0;  // delivered
};

// A frame that leaves the link.
struct Delivery {
  Nanoseconds at;
  Frame frame;
  bool damaged = false;
};

class Link {
 public:
  Link(const LinkConditions& conditions, Random random)
      : conditions_(conditions), random_(random), damage_random_(random.fork(1)) {}

  // A frame (Ethernet, as are all of this simulator) enters at `now`, which never decreases.
  // Appends what leaves to `out`: none, one or two frames. False: the packet is longer than the
  // link's MTU, and was dropped for that.
  bool transmit(Nanoseconds now, Frame frame, std::vector<Delivery>& out);

  const LinkConditions& conditions() const { return conditions_; }
  const LinkCounters& counters() const { return counters_; }

 private:
  bool lost(Nanoseconds now);
  void damage(Frame& frame);
  void mark(Frame& frame);

  LinkConditions conditions_;
  Random random_;
  Random damage_random_;  // its own: damage draws more than one number
  LinkCounters counters_;
  bool losing_ = false;     // Gilbert's bad state
  Nanoseconds free_{};      // when the bottleneck has sent what it has
  Nanoseconds last_out_{};  // arrival of the last frame that kept its place
};

}  // namespace plumbline::net::simulator
