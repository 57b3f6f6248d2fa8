#include "net/tcp/flow_table.hh"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <vector>

#include "net/tcp/test_memory.hh"

namespace plumbline::net::tcp {
namespace {

const Secrets kSecrets{SipHashKey{{1, 2}}};

FlowKey key_of(uint32_t number) {
  FlowKey key;
  key.local = IpAddress::of(Ipv4Address::of(10, 9, 0, 2));
  key.remote = IpAddress::of(Ipv4Address{0x0a09'0100 + number / 50'000});
  key.local_port = 80;
  key.remote_port = static_cast<uint16_t>(1024 + number % 50'000);
  return key;
}

TEST_CASE("flows are found by both ends, and by nothing else") {
  TestMemory memory;
  FlowTable table(memory.source(), kSecrets.hash_keys());
  Flow flow{key_of(1), FlowKind::kConnection};
  CHECK(table.find(flow.key) == nullptr);
  REQUIRE(table.insert(flow));
  CHECK(table.find(flow.key) == &flow);
  FlowKey other = flow.key;
  other.zone = 1;
  CHECK(table.find(other) == nullptr);
  other = flow.key;
  ++other.local_port;
  CHECK(table.find(other) == nullptr);
  other = flow.key;
  std::swap(other.local, other.remote);
  CHECK(table.find(other) == nullptr);
  other = flow.key;
  other.remote = IpAddress::of_v6(0x2001'0db8'0000'0000, 7);
  CHECK(table.find(other) == nullptr);
  Flow six{other, FlowKind::kConnection};
  REQUIRE(table.insert(six));
  CHECK(table.find(other) == &six);
  Flow with{other, FlowKind::kTimeWait};
  table.replace(six, with);
  CHECK(table.find(other) == &with);
  table.remove(with);
  CHECK(table.find(other) == nullptr);
  CHECK(table.find(flow.key) == &flow);
  CHECK(table.size() == 1);
}

TEST_CASE("100,000 flows: found while the table grows and shrinks, whose memory goes back") {
  TestMemory memory;
  {
    FlowTable table(memory.source(), kSecrets.hash_keys());
    const size_t bytes_at_first = memory.bytes();
    std::vector<std::unique_ptr<Flow>> flows;
    for (uint32_t i = 0; i < 100'000; ++i) {
      flows.push_back(std::unique_ptr<Flow>(new Flow{key_of(i), FlowKind::kConnection}));
      REQUIRE(table.insert(*flows.back()));
      // The newest, the oldest, and one in between, whatever is being moved.
      REQUIRE(table.find(flows.back()->key) == flows.back().get());
      REQUIRE(table.find(flows[i / 2]->key) == flows[i / 2].get());
      REQUIRE(table.find(flows[0]->key) == flows[0].get());
      REQUIRE(table.find(key_of(1'000'000 + i)) == nullptr);
    }
    CHECK(table.size() == 100'000);
    CHECK(table.bytes() <= 8 << 20);
    for (const auto& flow : flows) REQUIRE(table.find(flow->key) == flow.get());
    uint32_t seen = 0;
    table.for_each([&](Flow&) { ++seen; });
    CHECK(seen == 100'000);
    std::shuffle(flows.begin(), flows.end(), std::mt19937(7));
    while (!flows.empty()) {
      table.remove(*flows.back());
      REQUIRE(table.find(flows.back()->key) == nullptr);
      flows.pop_back();
      if (!flows.empty()) REQUIRE(table.find(flows[0]->key) == flows[0].get());
    }
    for (int i = 0; i < 1000; ++i) table.maintain();
    CHECK(!table.unfinished());
    CHECK(memory.bytes() == bytes_at_first);
  }
  CHECK(memory.bytes() == 0);
}

TEST_CASE("any series of insertions and removals leaves what a map would have") {
  TestMemory memory;
  FlowTable table(memory.source(), kSecrets.hash_keys());
  std::mt19937 random(1);
  std::map<uint32_t, std::unique_ptr<Flow>> model;
  for (int step = 0; step < 300'000; ++step) {
    // Numbers swing, so that growing and shrinking overlap everything else.
    const bool more = step / 30'000 % 2 == 0;
    const uint32_t number = random() % 6000;
    const auto found = model.find(number);
    if (found != model.end()) {
      REQUIRE(table.find(key_of(number)) == found->second.get());
      if (random() % 4 < (more ? 1 : 3)) {
        table.remove(*found->second);
        model.erase(found);
      } else if (random() % 2 == 0) {
        auto with = std::unique_ptr<Flow>(new Flow{key_of(number), FlowKind::kTimeWait});
        table.replace(*found->second, *with);
        found->second = std::move(with);
      }
    } else {
      REQUIRE(table.find(key_of(number)) == nullptr);
      if (random() % 4 < (more ? 3 : 1)) {
        auto flow = std::unique_ptr<Flow>(new Flow{key_of(number), FlowKind::kConnection});
        REQUIRE(table.insert(*flow));
        model.emplace(number, std::move(flow));
      }
    }
    REQUIRE(table.size() == model.size());
  }
}

TEST_CASE("without memory to grow the table refuses, and goes on when there is some") {
  TestMemory memory;
  FlowTable table(memory.source(), kSecrets.hash_keys());
  memory.set_limit(memory.bytes());
  std::vector<std::unique_ptr<Flow>> flows;
  while (true) {
    auto flow = std::unique_ptr<Flow>(
        new Flow{key_of(static_cast<uint32_t>(flows.size())), FlowKind::kConnection});
    if (!table.insert(*flow)) break;
    flows.push_back(std::move(flow));
  }
  CHECK(flows.size() == 224);
  for (const auto& flow : flows) CHECK(table.find(flow->key) == flow.get());
  CHECK(table.find(key_of(5000)) == nullptr);
  memory.set_limit(SIZE_MAX);
  Flow more{key_of(5000), FlowKind::kConnection};
  CHECK(!table.insert(more));  // this one starts to grow it
  for (int i = 0; i < 10; ++i) table.maintain();
  CHECK(table.insert(more));
  CHECK(table.find(more.key) == &more);
}

TEST_CASE("neighbouring keys spread over the table, with any secret") {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    TestMemory memory;
    const Secrets secrets{SipHashKey{{seed, 99}}};
    FlowTable table(memory.source(), secrets.hash_keys());
    std::vector<uint32_t> buckets(4096);
    for (uint32_t i = 0; i < 40'960; ++i) ++buckets[table.hash(key_of(i)) % 4096];
    // Ten a bucket on average; a random function has hardly one above 30.
    CHECK(*std::max_element(buckets.begin(), buckets.end()) < 35);
  }
}

}  // namespace
}  // namespace plumbline::net::tcp
