#include "memory/page_store.hh"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <random>

#include "core/units.hh"
#include "memory/pages_hosted.hh"

namespace plumbline {

TEST_CASE("An empty store has only holes") {
  PageStore store;
  CHECK(store.find(0) == nullptr);
  CHECK(store.find(~std::uint64_t{0}) == nullptr);
  CHECK(store.next_page(0, 100) == 100);
  CHECK(store.next_hole(7, 100) == 7);
  store.remove(0, ~std::uint64_t{0});
  CHECK(store.count() == 0);
}

TEST_CASE("Pages are zeroed, stay where they are and are freed") {
  const std::size_t before = hosted_pages_in_use();
  {
    PageStore store;
    for (const std::uint64_t index :
         {std::uint64_t{0}, std::uint64_t{63}, std::uint64_t{64}, std::uint64_t{4095},
          std::uint64_t{1} << 40, (std::uint64_t{1} << 52) - 1}) {
      auto* page = static_cast<unsigned char*>(store.find_or_create(index));
      REQUIRE(page != nullptr);
      CHECK(std::all_of(page, page + kPageSize, [](unsigned char byte) { return byte == 0; }));
      page[0] = 1;
      CHECK(store.find(index) == page);
      CHECK(store.find_or_create(index) == page);
    }
    CHECK(store.count() == 6);
    CHECK(hosted_pages_in_use() == before + 6);
  }
  CHECK(hosted_pages_in_use() == before);
}

TEST_CASE("Lent pages are not freed") {
  void* mine = std::aligned_alloc(kPageSize, kPageSize);
  {
    PageStore store;
    CHECK(store.lend(5, mine));
    CHECK(store.find(5) == mine);
    CHECK(store.next_page(0, 10) == 5);
    store.remove(5, 6);
    CHECK(store.find(5) == nullptr);
    CHECK(store.lend(70, mine));
  }
  *static_cast<char*>(mine) = 1;  // the sanitizer would object
  std::free(mine);
}

TEST_CASE("Without memory a page is not there and the store stays usable") {
  PageStore store;
  REQUIRE(store.find_or_create(1) != nullptr);
  limit_hosted_pages(hosted_pages_in_use());
  CHECK(store.find_or_create(2) == nullptr);
  CHECK(store.find_or_create(1) != nullptr);
  limit_hosted_pages(~std::size_t{0});
  CHECK(store.find_or_create(2) != nullptr);
  CHECK(store.count() == 2);
}

TEST_CASE("Random operations agree with a map") {
  const std::size_t before = hosted_pages_in_use();
  std::mt19937_64 random(7);
  for (int round = 0; round < 20; ++round) {
    PageStore store;
    std::map<std::uint64_t, void*> model;
    const std::uint64_t range = std::uint64_t{1} << (3 + random() % 18);
    for (int i = 0; i < 2000; ++i) {
      const std::uint64_t index = random() % range;
      const std::uint64_t end = index + random() % (range / 4 + 1);
      switch (random() % 8) {
        case 0: {
          store.remove(index, end);
          model.erase(model.lower_bound(index), model.lower_bound(end));
          break;
        }
        case 1: {
          const auto next = model.lower_bound(index);
          const std::uint64_t expected =
              next == model.end() || next->first >= end ? end : next->first;
          CHECK(store.next_page(index, end) == expected);
          break;
        }
        case 2: {
          std::uint64_t hole = index;
          while (hole < end && model.count(hole) != 0) ++hole;
          CHECK(store.next_hole(index, end) == hole);
          break;
        }
        case 3: {
          const auto found = model.find(index);
          CHECK(store.find(index) == (found == model.end() ? nullptr : found->second));
          break;
        }
        default: {
          void* page = store.find_or_create(index);
          REQUIRE(page != nullptr);
          const auto [place, fresh] = model.emplace(index, page);
          CHECK(place->second == page);
        }
      }
      REQUIRE(store.count() == model.size());
    }
  }
  CHECK(hosted_pages_in_use() == before);
}

}  // namespace plumbline
