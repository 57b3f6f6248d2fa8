#include "memory/area_tree.hh"

#include <doctest/doctest.h>

#include <array>
#include <new>
#include <random>

#include "core/units.hh"

namespace plumbline {
namespace {

class TestObject : public MemoryObject {
 public:
  Result<PhysicalAddress> page(std::uint64_t, bool) override { return Errno::kEFAULT; }
  std::uint64_t size() const override { return 0; }
};

// The simple model: what each page is.
struct ModelPage {
  int kind = 0;  // 0: free
  MemoryObject* object = nullptr;
  std::uint64_t offset = 0;
};
constexpr std::uint64_t kBase = 0x100000, kPages = 200;
using Model = std::array<ModelPage, kPages>;

std::uint64_t address_of(std::uint64_t page) { return kBase + page * kPageSize; }

void free_list(Area* gone) {
  while (gone != nullptr) {
    Area* next = gone->right;
    delete gone;
    gone = next;
  }
}

void check(const AreaTree& tree, const Model& model) {
  std::size_t areas = 0;
  std::uint64_t covered = 0;
  for (Area* area = tree.first_from(0); area != nullptr; area = tree.next(*area)) {
    ++areas;
    for (std::uint64_t at = area->begin; at < area->end; at += kPageSize) {
      const ModelPage& page = model[(at - kBase) / kPageSize];
      REQUIRE(page.kind == area->attributes.protection);
      REQUIRE(page.object == area->object.get());
      if (area->object) REQUIRE(page.offset == area->offset + (at - area->begin));
      REQUIRE(tree.find(at) == area);
      ++covered;
    }
  }
  REQUIRE(areas == tree.count());
  std::uint64_t expected = 0;
  for (std::uint64_t i = 0; i < kPages; ++i) {
    if (model[i].kind == 0) {
      REQUIRE(tree.find(address_of(i)) == nullptr);
    } else {
      ++expected;
    }
  }
  REQUIRE(covered == expected);
}

std::uint64_t model_gap(const Model& model, std::uint64_t length, std::uint64_t room,
                        std::uint64_t alignment) {
  for (std::uint64_t i = kPages - length + 1; i-- > room;) {
    if (address_of(i) % alignment != 0) continue;
    bool free = true;
    for (std::uint64_t j = i - room; j < i + length; ++j) free &= model[j].kind == 0;
    if (free) return address_of(i);
  }
  return 0;
}

}  // namespace

TEST_CASE("Random areas agree with a table of pages") {
  std::mt19937_64 random(11);
  Ref<TestObject> objects[2] = {Ref<TestObject>::adopt(new TestObject),
                                Ref<TestObject>::adopt(new TestObject)};
  for (int round = 0; round < 30; ++round) {
    {
      AreaTree tree;
      Model model{};
      for (int i = 0; i < 400; ++i) {
        const std::uint64_t first = random() % kPages;
        const std::uint64_t count = 1 + random() % std::min<std::uint64_t>(20, kPages - first);
        const std::uint64_t begin = address_of(first), end = address_of(first + count);
        Area* gone = nullptr;
        switch (random() % 4) {
          case 0:
          case 1: {  // map, in place of what was there
            REQUIRE(tree.split(begin));
            REQUIRE(tree.split(end));
            while (!tree.is_free(begin, end)) {
              Area* area = tree.first_from(begin);
              tree.remove(area);
              delete area;
            }
            auto* area = new Area;
            area->begin = begin;
            area->end = end;
            area->attributes.protection = static_cast<std::uint8_t>(1 + random() % 3);
            if (random() % 2 == 0) {
              area->object = objects[random() % 2];
              // Often what continues the neighbour.
              area->offset = (first + random() % 2) * kPageSize;
            }
            for (std::uint64_t j = 0; j < count; ++j) {
              model[first + j] = {area->attributes.protection, area->object.get(),
                                  area->offset + j * kPageSize};
            }
            tree.insert(area);
            tree.merge(begin, end, gone);
            break;
          }
          case 2: {  // unmap
            REQUIRE(tree.split(begin));
            REQUIRE(tree.split(end));
            while (!tree.is_free(begin, end)) {
              Area* area = tree.first_from(begin);
              tree.remove(area);
              delete area;
            }
            for (std::uint64_t j = 0; j < count; ++j) model[first + j] = {};
            break;
          }
          default: {  // protect
            const auto kind = static_cast<std::uint8_t>(1 + random() % 3);
            REQUIRE(tree.split(begin));
            REQUIRE(tree.split(end));
            for (Area* area = tree.first_from(begin); area != nullptr && area->begin < end;
                 area = tree.next(*area)) {
              area->attributes.protection = kind;
            }
            tree.merge(begin, end, gone);
            for (std::uint64_t j = 0; j < count; ++j) {
              if (model[first + j].kind != 0) model[first + j].kind = kind;
            }
          }
        }
        free_list(gone);
        check(tree, model);
        // Nothing alike is left apart.
        for (Area* area = tree.first_from(0); area != nullptr; area = tree.next(*area)) {
          Area* next = tree.next(*area);
          if (next == nullptr || area->end != next->begin) continue;
          const bool alike = area->attributes == next->attributes && area->object == next->object &&
                             (!area->object || area->offset + area->length() == next->offset);
          if (alike) {
            // Only where neither was touched since they became alike; unmapping splits nothing
            // inside, so it cannot happen.
            CHECK(!alike);
          }
        }
        const std::uint64_t length = 1 + random() % 12, room = random() % 4;
        const std::uint64_t alignment = kPageSize << random() % 4;
        CHECK(tree.find_gap(length * kPageSize, room * kPageSize, alignment, kBase,
                            address_of(kPages)) == model_gap(model, length, room, alignment));
      }
      // The objects list exactly the areas that show them.
      std::size_t listed = 0, shown = 0;
      for (const auto& object : objects) {
        for (Area* area = object->areas; area != nullptr; area = area->next_in_object) {
          ++listed;
          CHECK(area->object.get() == object.get());
        }
      }
      for (Area* area = tree.first_from(0); area != nullptr; area = tree.next(*area)) {
        shown += area->object ? 1 : 0;
      }
      CHECK(listed == shown);
    }
    CHECK(objects[0]->areas == nullptr);
    CHECK(objects[0]->reference_count() == 1);
  }
}

TEST_CASE("What is untouched of areas that are split and joined") {
  AreaTree tree;
  auto* area = new Area;
  area->begin = address_of(0);
  area->end = address_of(40);
  area->untouched = address_of(30);
  tree.insert(area);
  REQUIRE(tree.split(address_of(10)));
  REQUIRE(tree.split(address_of(20)));
  Area* const middle = tree.find(address_of(10));
  Area* const last = tree.find(address_of(20));
  REQUIRE(last->untouched == address_of(30));
  // A page of the middle is mapped; of the first none is, which says nothing of the others.
  middle->untouched = address_of(15);
  Area* gone = nullptr;
  tree.merge(address_of(0), address_of(40), gone);
  REQUIRE(tree.count() == 1);
  CHECK(area->untouched == address_of(15));
  free_list(gone);
}

TEST_CASE("A growing area keeps the gaps right") {
  AreaTree tree;
  auto* area = new Area;
  area->begin = address_of(100);
  area->end = address_of(110);
  tree.insert(area);
  CHECK(tree.find_gap(95 * kPageSize, 0, kPageSize, kBase, address_of(kPages)) == address_of(5));
  tree.resize(area, address_of(90), address_of(110));
  CHECK(tree.find_gap(95 * kPageSize, 0, kPageSize, kBase, address_of(kPages)) == 0);
  CHECK(tree.find_gap(90 * kPageSize, 0, kPageSize, kBase, address_of(kPages)) == address_of(110));
  CHECK(tree.find_gap(91 * kPageSize, 0, kPageSize, kBase, address_of(kPages)) == 0);
}

}  // namespace plumbline
