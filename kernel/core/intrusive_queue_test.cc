#include "core/intrusive_queue.hh"

#include <doctest/doctest.h>

#include <deque>
#include <random>
#include <vector>

using namespace plumbline;

namespace {
struct Item {
  int number = 0;
  QueueHook hook;
};
}  // namespace

TEST_CASE("behaves as std::deque under random operations") {
  std::mt19937 random(1);
  std::vector<Item> items(8);
  std::vector<Item*> outside;
  for (Item& item : items) outside.push_back(&item);
  IntrusiveQueue<Item, &Item::hook> queue;
  std::deque<Item*> model;
  for (int step = 0; step < 20000; ++step) {
    if (!outside.empty() && random() % 2 == 0) {
      queue.push_back(outside.back());
      model.push_back(outside.back());
      outside.pop_back();
    } else {
      Item* const first = queue.pop_front();
      REQUIRE(first == (model.empty() ? nullptr : model.front()));
      if (first != nullptr) {
        model.pop_front();
        outside.push_back(first);
      }
    }
    REQUIRE(queue.empty() == model.empty());
  }
}
