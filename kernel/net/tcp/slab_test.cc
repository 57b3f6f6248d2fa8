#include "net/tcp/slab.hh"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <set>
#include <vector>

#include "net/tcp/test_memory.hh"

namespace plumbline::net::tcp {
namespace {

struct Object {
  explicit Object(uint64_t number) : first(number), last(number) {}
  uint64_t first;
  std::byte middle[200];
  uint64_t last;
};

TEST_CASE("objects are apart, aligned, reused, and their memory goes back") {
  TestMemory memory;
  {
    Slab<Object, 4096> slab(memory.source(), 10'000);
    std::vector<Object*> objects;
    std::mt19937 random(3);
    for (int round = 0; round < 10; ++round) {
      while (objects.size() < 1000) {
        Object* const object = slab.make(objects.size());
        REQUIRE(object != nullptr);
        CHECK(reinterpret_cast<uintptr_t>(object) % kCacheLine == 0);
        std::fill_n(object->middle, 200, std::byte{0xee});
        objects.push_back(object);
      }
      CHECK(std::set<Object*>(objects.begin(), objects.end()).size() == 1000);
      for (const Object* object : objects) REQUIRE(object->first == object->last);
      CHECK(slab.size() == 1000);
      std::shuffle(objects.begin(), objects.end(), random);
      while (objects.size() > static_cast<size_t>(round) * 100) {
        slab.destroy(objects.back());
        objects.pop_back();
      }
      for (size_t i = 0; i < objects.size(); ++i) objects[i]->first = objects[i]->last = i;
    }
    // 15 objects of 256 bytes a chunk.
    CHECK(slab.bytes() >= (1000 + 14) / 15 * 4096);
    for (Object* object : objects) slab.destroy(object);
    CHECK(slab.size() == 0);
    CHECK(memory.bytes() == 4096);  // the one that is kept
    slab.trim();
    CHECK(memory.bytes() == 0);
  }
}

TEST_CASE("a slab stops at its limit and when there is no memory") {
  TestMemory memory;
  Slab<Object, 4096> slab(memory.source(), 20);
  std::vector<Object*> objects;
  while (Object* const object = slab.make(0)) objects.push_back(object);
  CHECK(objects.size() == 20);
  for (Object* object : objects) slab.destroy(object);
  slab.trim();
  memory.set_limit(4096);
  objects.clear();
  while (Object* const object = slab.make(0)) objects.push_back(object);
  CHECK(objects.size() == 15);
  for (Object* object : objects) slab.destroy(object);
}

}  // namespace
}  // namespace plumbline::net::tcp
