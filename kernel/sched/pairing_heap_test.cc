#include "sched/pairing_heap.hh"

#include <doctest/doctest.h>

#include <random>
#include <set>
#include <vector>

using namespace plumbline;

namespace {
struct Item {
  int key = 0;
  HeapHook<Item> hook;
};
bool before(const Item& a, const Item& b) { return a.key < b.key; }
using Heap = PairingHeap<Item, &Item::hook, before>;
}  // namespace

TEST_CASE("agrees with a multiset under random operations") {
  std::mt19937 random(3);
  for (int round = 0; round < 20; ++round) {
    std::vector<Item> items(100);
    Heap heap;
    std::multiset<int> model;
    for (int step = 0; step < 5000; ++step) {
      Item* item = random() % 4 == 0 && heap.first() != nullptr ? heap.first()
                                                                : &items[random() % items.size()];
      if (item->hook.linked) {
        heap.remove(item);
        model.erase(model.find(item->key));
      } else {
        item->key = static_cast<int>(random() % 50);
        heap.insert(item);
        model.insert(item->key);
      }
      REQUIRE(heap.empty() == model.empty());
      if (!model.empty()) REQUIRE(heap.first()->key == *model.begin());
    }
    int last = -1;
    while (Item* first = heap.first()) {
      REQUIRE(first->key >= last);
      last = first->key;
      heap.remove(first);
    }
  }
}
