#include "net/simulator/link.hh"

#include <doctest/doctest.h>

#include "net/test_network.hh"

namespace plumbline::net::simulator {
namespace {

// Sends `count` numbered frames, one a microsecond; what arrives, by time of arrival.
std::vector<Delivery> send(Link& link, int count, size_t size = 100) {
  std::vector<Delivery> out;
  for (int i = 0; i < count; ++i) {
    Frame frame(size);
    std::memcpy(frame.data(), &i, sizeof i);
    link.transmit(microseconds(static_cast<uint64_t>(i)), frame, out);
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const Delivery& a, const Delivery& b) { return a.at < b.at; });
  return out;
}
int number(const Delivery& delivery) {
  int i;
  std::memcpy(&i, delivery.frame.data(), sizeof i);
  return i;
}

TEST_CASE("a link without impairments delivers everything after its delay") {
  Link link({.delay = milliseconds(5)}, Random(1));
  const auto out = send(link, 100);
  REQUIRE(out.size() == 100);
  for (int i = 0; i < 100; ++i) {
    const auto at = static_cast<size_t>(i);
    CHECK(number(out[at]) == i);
    CHECK(out[at].at == milliseconds(5) + microseconds(at));
  }
}

TEST_CASE("loss: the share asked for, alone or in bursts of the length asked for") {
  for (const double burst : {1.0, 5.0}) {
    Link link({.loss = 0.05, .loss_burst = burst}, Random(2));
    const auto out = send(link, 100'000);
    const auto lost = static_cast<double>(link.counters().lost);
    CHECK(lost > 4500);
    CHECK(lost < 5500);
    CHECK(out.size() + link.counters().lost == 100'000);
    int bursts = 0;
    for (size_t i = 1; i < out.size(); ++i) bursts += number(out[i]) != number(out[i - 1]) + 1;
    const double length = lost / bursts;
    CHECK(length > burst * 0.9);
    CHECK(length < burst * 1.15);
  }
}

TEST_CASE("jitter keeps the order, reordering does not") {
  Link steady({.delay = milliseconds(1), .jitter = milliseconds(1)}, Random(3));
  const auto in_order = send(steady, 1000);
  for (size_t i = 1; i < in_order.size(); ++i)
    CHECK(number(in_order[i]) == number(in_order[i - 1]) + 1);
  Link link({.reorder = 0.1, .reorder_delay = microseconds(50)}, Random(3));
  const auto out = send(link, 1000);
  REQUIRE(out.size() == 1000);
  int moved = 0;
  for (size_t i = 0; i < out.size(); ++i) {
    moved += number(out[i]) != static_cast<int>(i);
    // Nobody is overtaken by more than pass in the longest hold.
    CHECK(std::abs(number(out[i]) - static_cast<int>(i)) <= 51);
  }
  CHECK(moved > 100);
  CHECK(link.counters().reordered > 50);
}

TEST_CASE("duplicates arrive twice, whole") {
  Link link({.duplicate = 0.5}, Random(4));
  const auto out = send(link, 1000);
  CHECK(out.size() == 1000 + link.counters().duplicated);
  CHECK(link.counters().duplicated > 400);
  CHECK(link.counters().duplicated < 600);
}

TEST_CASE("damage is always seen by the checksum over what it hit") {
  Link link({.corrupt = 1}, Random(5));
  for (int i = 0; i < 20'000; ++i) {
    // Words of all zeros and all ones are the ones whose complete inversion nobody can see.
    Frame frame(64, std::byte{static_cast<unsigned char>(i % 2 == 0 ? 0x00 : 0xff)});
    store_native16(frame.data() + 32, 0);
    store_native16(frame.data() + 32, internet_checksum(frame));
    std::vector<Delivery> out;
    link.transmit({}, frame, out);
    REQUIRE(out.size() == 1);
    CHECK(out[0].damaged);
    CHECK(internet_checksum(out[0].frame) != 0);
  }
}

TEST_CASE("a rate spaces frames and its queue drops what does not fit") {
  // 100 bytes at 8 Mbit/s: 100 us a frame; one enters every microsecond.
  Link link({.rate = 8'000'000, .queue = 1000}, Random(6));
  const auto out = send(link, 500);
  CHECK(out.size() + link.counters().queue_dropped == 500);
  CHECK(link.counters().queue_dropped > 480);
  for (size_t i = 1; i < out.size(); ++i) CHECK(out[i].at == out[i - 1].at + microseconds(100));
}

TEST_CASE("a full bottleneck marks ECN-capable IPv4 packets and keeps their checksum right") {
  Link link({.rate = 8'000'000, .queue = 100'000, .mark = 300}, Random(7));
  std::vector<Delivery> out;
  for (int i = 0; i < 10; ++i) {
    Frame frame = ipv4_frame(Ipv4Header::kTcp, bytes_of("0123456789"));
    std::byte* const ip = frame.data() + EthernetHeader::kSize;
    if (i != 9) {
      ip[1] = std::byte{2};
      store_native16(ip + 10, 0);
      store_native16(ip + 10, internet_checksum({ip, 20}));
    }
    link.transmit({}, frame, out);
  }
  REQUIRE(out.size() == 10);
  for (size_t i = 0; i < out.size(); ++i) {
    const std::byte* const ip = out[i].frame.data() + EthernetHeader::kSize;
    CHECK(internet_checksum({ip, 20}) == 0);
    CHECK((ip[1] == std::byte{3}) == (i >= 7 && i != 9));
  }
  CHECK(link.counters().marked == 2);
}

TEST_CASE("packets longer than the MTU are refused; nothing passes in an outage") {
  Link link({.mtu = 576, .outage_from = milliseconds(1), .outage_to = milliseconds(2)}, Random(8));
  std::vector<Delivery> out;
  CHECK(link.transmit({}, Frame(14 + 576), out));
  CHECK(!link.transmit({}, Frame(14 + 577), out));
  CHECK(link.transmit(milliseconds(1), Frame(100), out));
  CHECK(link.transmit(milliseconds(2), Frame(100), out));
  CHECK(out.size() == 2);
  CHECK(link.counters().too_big == 1);
  CHECK(link.counters().lost == 1);
}

TEST_CASE("the same seed does the same, and a changed probability leaves the others' choices") {
  const LinkConditions conditions{.loss = 0.1, .reorder = 0.1, .duplicate = 0.1, .corrupt = 0.1};
  Link a(conditions, Random(9)), b(conditions, Random(9));
  const auto first = send(a, 1000), second = send(b, 1000);
  REQUIRE(first.size() == second.size());
  for (size_t i = 0; i < first.size(); ++i) {
    CHECK(first[i].at == second[i].at);
    CHECK(first[i].frame == second[i].frame);
  }
  LinkConditions whole = conditions;
  whole.corrupt = 0;
  whole.reorder = 0;
  Link c(whole, Random(9));
  send(c, 1000);
  CHECK(c.counters().lost == a.counters().lost);
  CHECK(c.counters().duplicated == a.counters().duplicated);
}

}  // namespace
}  // namespace plumbline::net::simulator
