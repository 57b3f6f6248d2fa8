#include "net/simulator/impairments.hh"

namespace plumbline::net::simulator {
namespace {

Path both(const LinkConditions& conditions) { return {conditions, conditions}; }

// Milliseconds with a fraction.
Nanoseconds ms(double value) { return nanoseconds(static_cast<uint64_t>(value * 1e6)); }

LinkConditions random_conditions(Random& random) {
  LinkConditions link;
  const auto sometimes = [&](double most) {
    const bool on = random.chance(0.5);
    const double value = most * static_cast<double>(random.below(1001)) / 1000;
    return on ? value : 0;
  };
  link.delay = microseconds(random.between(10, 50'000));
  link.jitter = random.chance(0.5) ? nanoseconds(random.below(link.delay.count)) : Nanoseconds{};
  link.loss = sometimes(0.08);
  link.loss_burst = random.chance(0.3) ? 4 : 1;
  link.reorder = sometimes(0.3);
  link.reorder_delay = nanoseconds(random.below(link.delay.count) + 1000);
  link.duplicate = sometimes(0.1);
  link.corrupt = sometimes(0.05);
  if (random.chance(0.5)) {
    link.rate = 1'000'000 * random.between(1, 200);
    link.queue = static_cast<uint32_t>(random.between(10'000, 300'000));
    if (random.chance(0.3)) link.mark = link.queue / 4;
  }
  return link;
}

constexpr Impairment kImpairments[] = {
    {"none", "1 ms, nothing happens", [](Random&) { return both({.delay = ms(0.5)}); }},
    {"lan", "50 us at 10 Gbit/s",
     [](Random&) { return both({.delay = ms(0.025), .rate = 10'000'000'000, .queue = 8 << 20}); }},
    {"long", "100 ms, nothing happens", [](Random&) { return both({.delay = ms(50)}); }},
    {"jitter", "10 to 30 ms, in order",
     [](Random&) { return both({.delay = ms(5), .jitter = ms(10)}); }},
    {"loss-0.1", "0.1 % lost each way, 10 ms",
     [](Random&) { return both({.loss = 0.001, .delay = ms(5)}); }},
    {"loss-1", "1 % lost each way, 10 ms",
     [](Random&) { return both({.loss = 0.01, .delay = ms(5)}); }},
    {"loss-3", "3 % lost each way, 10 ms",
     [](Random&) { return both({.loss = 0.03, .delay = ms(5)}); }},
    {"loss-10", "10 % lost each way, 10 ms",
     [](Random&) { return both({.loss = 0.1, .delay = ms(5)}); }},
    {"bursts", "2 % lost, five at a time, 10 ms",
     [](Random&) { return both({.loss = 0.02, .loss_burst = 5, .delay = ms(5)}); }},
    {"ack-loss", "20 % lost on the way to the client only, 10 ms",
     [](Random&) {
       return Path{{.delay = ms(5)}, {.loss = 0.2, .delay = ms(5)}};
     }},
    {"reorder", "2 % overtaken, by up to 2 of 10 ms",
     [](Random&) { return both({.reorder = 0.02, .reorder_delay = ms(2), .delay = ms(5)}); }},
    {"reorder-much", "30 % overtaken, by up to 10 of 10 ms",
     [](Random&) { return both({.reorder = 0.3, .reorder_delay = ms(10), .delay = ms(5)}); }},
    {"duplicate", "10 % twice, 10 ms",
     [](Random&) { return both({.duplicate = 0.1, .delay = ms(5)}); }},
    {"corrupt", "3 % damaged, 10 ms",
     [](Random&) { return both({.corrupt = 0.03, .delay = ms(5)}); }},
    {"bottleneck", "20 Mbit/s with a queue of 64 KiB, 20 ms",
     [](Random&) { return both({.delay = ms(10), .rate = 20'000'000, .queue = 65536}); }},
    {"shallow", "20 Mbit/s with a queue of 8 frames, 20 ms",
     [](Random&) { return both({.delay = ms(10), .rate = 20'000'000, .queue = 12'000}); }},
    {"marks", "20 Mbit/s that marks instead of dropping, 20 ms",
     [](Random&) {
       return both({.delay = ms(10), .rate = 20'000'000, .queue = 200'000, .mark = 20'000});
     }},
    {"slow", "128 kbit/s, 400 ms",
     [](Random&) { return both({.delay = ms(200), .rate = 128'000, .queue = 65536}); }},
    {"mtu", "packets of 1280 bytes pass, ICMP says so, 10 ms",
     [](Random&) { return both({.delay = ms(5), .mtu = 1280}); }},
    {"black-hole", "packets of 1300 bytes pass and nobody says so, 10 ms",
     [](Random&) { return both({.delay = ms(5), .mtu = 1300, .black_hole = true}); }},
    {"outage", "nothing passes from 30 ms to 3 s, 10 ms",
     [](Random&) {
       return both({.delay = ms(5), .outage_from = ms(30), .outage_to = seconds(3)});
     }},
    {"chaos", "everything, by seed",
     [](Random& random) {
       const LinkConditions forward = random_conditions(random);
       return Path{forward, random_conditions(random)};
     }},
};

}  // namespace

std::span<const Impairment> impairments() { return kImpairments; }

bool Path::perfect() const {
  for (const LinkConditions* link : {&forward, &backward}) {
    if (link->loss != 0 || link->reorder != 0 || link->duplicate != 0 || link->corrupt != 0 ||
        link->mtu != 0 || link->outage_to.count != 0)
      return false;
    // A queue that overflows loses; jitter of more than the delay can outlast a probe's timer.
    if (link->rate != 0 && link->queue < (4 << 20)) return false;
    if (link->jitter > link->delay) return false;
  }
  return true;
}

}  // namespace plumbline::net::simulator
