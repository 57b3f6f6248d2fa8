#include "platform/memory_map.hh"

#include <doctest/doctest.h>

#include <random>
#include <vector>

using namespace plumbline;

TEST_CASE("whole pages only, merged and sorted") {
  MemoryMap map;
  map.add(0x5001, 0x2fff);  // one and a bit: the page at 0x6000 and 0x7000
  map.add(0x1000, 0x1000);
  map.add(0x2000, 0x1000);
  map.add(0x9000, 0xfff);  // less than a page
  REQUIRE(map.ranges().size() == 2);
  CHECK(map.ranges()[0] == MemoryRange{0x1000, 0x3000});
  CHECK(map.ranges()[1] == MemoryRange{0x6000, 0x8000});
  map.reserve(0x1fff, 2);
  CHECK(map.total() == 0x2000);
  CHECK(map.end() == 0x8000);
}

TEST_CASE("nonsense from firmware neither wraps nor crashes") {
  MemoryMap map;
  map.add(0x100000, 0x100000);
  map.add(~0ull - 10, 100);
  map.add(~0ull, ~0ull);
  map.reserve(~0ull - 5, ~0ull);
  map.reserve(0, 0);
  map.add(0x200000, 0);
  CHECK(map.ranges()[0] == MemoryRange{0x100000, 0x200000});
  map.reserve(0, ~0ull);
  CHECK(map.ranges().empty());
  CHECK(map.end() == 0);
}

TEST_CASE("take finds room at or above an address") {
  MemoryMap map;
  map.add(0x1000, 0x4000);
  map.add(0x100000, 0x10000);
  CHECK(map.take(0x2000, 0) == 0x1000);
  CHECK(map.take(0x2000, 0x100000) == 0x100000);
  CHECK(map.take(0x100000, 0) == 0);
  CHECK(map.total() == 0x2000 + 0xe000);
}

TEST_CASE("agrees with a page-by-page model") {
  std::mt19937_64 random(5);
  for (int round = 0; round < 300; ++round) {
    MemoryMap map;
    std::vector<bool> model(256, false);
    for (int step = 0; step < 30; ++step) {
      const std::uint64_t address = random() % (200 * 4096), size = random() % (40 * 4096);
      if (random() % 2 == 0) {
        map.add(address, size);
        for (std::uint64_t p = (address + 4095) / 4096; p < (address + size) / 4096; ++p)
          model[p] = true;
      } else {
        map.reserve(address, size);
        if (size == 0) continue;
        for (std::uint64_t p = address / 4096; p < (address + size + 4095) / 4096; ++p)
          model[p] = false;
      }
    }
    std::vector<bool> got(256, false);
    std::uint64_t last = 0;
    for (const MemoryRange& range : map.ranges()) {
      REQUIRE(range.begin < range.end);
      REQUIRE(range.begin >= last);
      last = range.end;
      for (std::uint64_t p = range.begin / 4096; p < range.end / 4096; ++p) got[p] = true;
    }
    REQUIRE(got == model);
  }
}

TEST_CASE("too many ranges lose memory, never invent it") {
  MemoryMap map;
  for (std::uint64_t i = 0; i < 200; ++i) map.add(i * 0x10000, 0x1000 + (i % 7) * 0x1000);
  CHECK(map.ranges().size() <= 64);
  for (const MemoryRange& range : map.ranges()) {
    const std::uint64_t i = range.begin / 0x10000;
    CHECK(range == MemoryRange{i * 0x10000, i * 0x10000 + 0x1000 + (i % 7) * 0x1000});
  }
}
