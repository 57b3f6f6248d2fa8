#include "core/intrusive_list.hh"

#include <doctest/doctest.h>

#include <list>
#include <random>
#include <vector>

using namespace plumbline;

namespace {
struct Item {
  int number = 0;
  ListHook hook;
  ListHook other;
};
using List = IntrusiveList<Item, &Item::hook>;
}  // namespace

TEST_CASE("behaves as std::list under random operations") {
  std::mt19937 random(1);
  std::vector<Item> items(50);
  for (int i = 0; i < 50; ++i) items[static_cast<std::size_t>(i)].number = i;
  List list;
  std::list<Item*> model;
  for (int step = 0; step < 20000; ++step) {
    Item* item = &items[random() % items.size()];
    if (item->hook.linked()) {
      list.remove(item);
      model.remove(item);
    } else if (random() % 2 == 0) {
      list.push_back(item);
      model.push_back(item);
    } else {
      list.push_front(item);
      model.push_front(item);
    }
    REQUIRE(list.empty() == model.empty());
    REQUIRE(list.front() == (model.empty() ? nullptr : model.front()));
    REQUIRE(list.back() == (model.empty() ? nullptr : model.back()));
    auto expected = model.begin();
    for (Item& found : list) REQUIRE(&found == *expected++);
    REQUIRE(expected == model.end());
  }
  while (Item* item = list.pop_front()) {
    CHECK(item == model.front());
    model.pop_front();
  }
  CHECK(model.empty());
}

TEST_CASE("an element can be in two lists") {
  Item item;
  List first;
  IntrusiveList<Item, &Item::other> second;
  first.push_back(&item);
  second.push_back(&item);
  first.remove(&item);
  CHECK(second.front() == &item);
  CHECK(second.pop_back() == &item);
  CHECK(second.pop_back() == nullptr);
}
