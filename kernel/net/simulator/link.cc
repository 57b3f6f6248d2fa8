#include "net/simulator/link.hh"

#include <algorithm>

#include "net/checksum.hh"
#include "net/wire/ethernet.hh"

namespace plumbline::net::simulator {

// Gilbert's model with a bad state in which everything is lost: it is left after loss_burst frames
// on the average, and entered as often as makes `loss` the share of lost frames.
bool Link::lost(Nanoseconds now) {
  const double leave = 1 / std::max(conditions_.loss_burst, 1.0);
  const double enter =
      conditions_.loss >= 1 ? 1 : std::min(1.0, conditions_.loss * leave / (1 - conditions_.loss));
  if (conditions_.loss_burst <= 1)
    losing_ = random_.chance(conditions_.loss);
  else
    losing_ = losing_ ? !random_.chance(leave) : random_.chance(enter);
  if (now >= conditions_.outage_from && now < conditions_.outage_to) return true;
  return losing_;
}

// Changes bits of one aligned 16-bit word behind the Ethernet header, or of that header, but never
// all 16: the one's complement sum of the rest then always changes (RFC 1071), because only 0x0000
// and 0xffff are the same number. What damages two words can cancel out, and a checksum that misses
// what it cannot see is no defect.
void Link::damage(Frame& frame) {
  const size_t word = damage_random_.below(frame.size() / 2) * 2;
  const auto mask = static_cast<uint16_t>(damage_random_.between(1, 0xfffe));
  frame[word] ^= static_cast<std::byte>(mask >> 8);
  frame[word + 1] ^= static_cast<std::byte>(mask);
}

// Congestion experienced on a packet of an ECN-capable transport (RFC 3168 section 5).
void Link::mark(Frame& frame) {
  if (frame.size() < EthernetHeader::kSize + 20) return;
  std::byte* const ip = frame.data() + EthernetHeader::kSize;
  const auto version = static_cast<uint8_t>(ip[0]) >> 4;
  if (version == 4) {
    if ((ip[1] & std::byte{3}) == std::byte{0}) return;
    const uint16_t before = load_native16(ip);
    ip[1] |= std::byte{3};
    store_native16(ip + 10, update_checksum(load_native16(ip + 10), before, load_native16(ip)));
  } else if (version == 6) {
    // The traffic class lies across the first two bytes; ECN is bits 4 and 5 of the second.
    if ((ip[1] & std::byte{0x30}) == std::byte{0}) return;
    ip[1] |= std::byte{0x30};
  } else {
    return;
  }
  ++counters_.marked;
}

bool Link::transmit(Nanoseconds now, Frame frame, std::vector<Delivery>& out) {
  ++counters_.entered;
  if (conditions_.mtu != 0 && frame.size() > EthernetHeader::kSize + conditions_.mtu) {
    ++counters_.too_big;
    return false;
  }
  // All decisions are drawn for every frame, so that changing one probability leaves the others'
  // decisions where they were.
  const bool is_lost = lost(now);
  const bool is_reordered = random_.chance(conditions_.reorder);
  const bool is_duplicate = random_.chance(conditions_.duplicate);
  const bool is_damaged = random_.chance(conditions_.corrupt);
  const uint64_t jitter = random_.below(conditions_.jitter.count + 1);
  const uint64_t hold = random_.below(conditions_.reorder_delay.count + 1);

  Nanoseconds left = now;
  if (conditions_.rate != 0) {
    const Nanoseconds start = std::max(now, free_);
    const uint64_t waiting = (start - now).count * conditions_.rate / 8 / 1'000'000'000;
    if (waiting + frame.size() > conditions_.queue) {
      ++counters_.queue_dropped;
      return true;
    }
    if (conditions_.mark != 0 && waiting >= conditions_.mark) mark(frame);
    free_ = start + nanoseconds(frame.size() * 8 * 1'000'000'000 / conditions_.rate);
    left = free_;
  }
  // Loss is behind the bottleneck: a lost frame has taken its time there.
  if (is_lost) {
    ++counters_.lost;
    return true;
  }
  if (is_damaged && frame.size() >= 2) {
    damage(frame);
    ++counters_.corrupted;
  }
  Nanoseconds arrival = left + conditions_.delay + nanoseconds(jitter);
  if (is_reordered) {
    arrival = std::max(arrival, last_out_) + nanoseconds(hold);
    ++counters_.reordered;
  } else {
    arrival = std::max(arrival, last_out_);
    last_out_ = arrival;
  }
  counters_.delivered += is_duplicate ? 2 : 1;
  counters_.bytes += frame.size();
  if (is_duplicate) {
    ++counters_.duplicated;
    out.push_back({arrival, frame, is_damaged});
  }
  out.push_back({arrival, std::move(frame), is_damaged});
  return true;
}

}  // namespace plumbline::net::simulator
