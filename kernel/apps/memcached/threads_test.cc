// Several protocol threads on one sharded store, each with a network of its own, as the receive
// loops of a device with several queues are. Meant for ThreadSanitizer.
#include <doctest/doctest.h>

#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "apps/memcached/test_server.hh"

namespace plumbline::memcached {
namespace {

TEST_CASE("values stay whole while several threads store and read them") {
  constexpr unsigned kThreads = 4;
  net::AlignedMemory memory(16 << 20);
  CoarseClock clock(kTestEpoch);
  ServerStore store(memory.span(), clock, 1, 4, true);
  Server server{store, clock, {}};
  struct Worker {
    explicit Worker(Server& shared) : protocol(shared) {
      network.interface.bind(kTestPort, protocol.handler());
    }
    net::TestNetwork network;
    Protocol protocol;
    uint64_t hits = 0;
    uint64_t wrong = 0;
  };
  std::vector<std::unique_ptr<Worker>> workers;
  for (unsigned i = 0; i < kThreads; ++i) workers.push_back(std::make_unique<Worker>(server));

  std::vector<std::thread> threads;
  for (unsigned number = 0; number < kThreads; ++number) {
    threads.emplace_back([&, number] {
      Worker& worker = *workers[number];
      std::mt19937 random(number);
      const auto ask = [&](const std::string& command) {
        worker.network.feed(net::udp_frame(static_cast<uint16_t>(5000 + number), kTestPort,
                                           TestServer::framed(command)));
        std::string text;
        for (const net::Frame& frame : worker.network.sent()) {
          const auto sent = net::parse_sent(frame);
          if (sent) text += sent->payload.substr(UdpFrame::kSize);
        }
        return text;
      };
      for (int i = 0; i < 3000; ++i) {
        const std::string key = "k" + std::to_string(random() % 50);
        switch (random() % 8) {
          case 0: {
            // All bytes of a value are equal: a torn one shows.
            const std::string value(random() % 600, static_cast<char>('a' + random() % 26));
            ask("set " + key + " 0 0 " + std::to_string(value.size()) + "\r\n" + value + "\r\n");
            break;
          }
          case 1:
            ask("delete " + key + "\r\n");
            break;
          case 2:
            ask("get k1 k2 k3\r\n");
            break;
          case 3:
            if (random() % 50 == 0) ask("stats\r\n");
            if (random() % 200 == 0) ask("flush_all\r\n");
            if (number == 0) clock.set_unix(kTestEpoch + static_cast<uint64_t>(i) / 100);
            break;
          default: {
            const std::string answer = ask("get " + key + "\r\n");
            if (answer == "END\r\n") break;
            ++worker.hits;
            const size_t start = answer.find("\r\n") + 2;
            const std::string value = answer.substr(start, answer.size() - start - 7);
            if (value.find_first_not_of(value.empty() ? 'a' : value[0]) != std::string::npos)
              ++worker.wrong;
          }
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  uint64_t gets = 0;
  for (const auto& worker : workers) {
    CHECK(worker->hits > 0);
    CHECK(worker->wrong == 0);
    CHECK(worker->network.pool.in_use() == 0);
    gets += worker->protocol.counters().get(Count::kGet);
  }
  CHECK(server.counters.sum(Count::kGet) == gets);
  store.for_each([](Shard& shard) { shard.check_consistency(); });
}

}  // namespace
}  // namespace plumbline::memcached
