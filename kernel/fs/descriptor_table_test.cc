#include "fs/descriptor_table.hh"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace plumbline {
namespace {

std::atomic<int> alive{0};

class TestFile final : public File {
 public:
  TestFile() : File(0) { ++alive; }
  Status stat(Attributes&) override { return {}; }
  std::size_t describe(std::span<char>) override { return 0; }

 private:
  ~TestFile() override { --alive; }
};

Ref<File> new_file() { return Ref<File>::adopt(new TestFile); }
Ref<DescriptorTable> new_table() { return Ref<DescriptorTable>::adopt(new DescriptorTable(1)); }

}  // namespace

TEST_CASE("the lowest free descriptor is given") {
  const auto table = new_table();
  for (int i = 0; i < 200; ++i) CHECK(*table->add(new_file(), false) == i);
  REQUIRE(table->close(150));
  REQUIRE(table->close(3));
  CHECK(*table->add(new_file(), false, 100) == 150);
  CHECK(*table->add(new_file(), false) == 3);
  CHECK(*table->add(new_file(), false) == 200);
  CHECK(table->add(new_file(), false, 0, 100).error() == Errno::kEMFILE);
  CHECK(table->add(new_file(), false, 100, 100).error() == Errno::kEINVAL);
  CHECK(table->add(new_file(), false, -1).error() == Errno::kEINVAL);
  CHECK(table->close(9999).error() == Errno::kEBADF);
  CHECK(table->get(-1).error() == Errno::kEBADF);
  CHECK(alive == 201);
}

TEST_CASE("replacing, marking, ranges and copies; nothing is left over") {
  {
    const auto table = new_table();
    for (int i = 0; i < 10; ++i) REQUIRE(table->add(new_file(), i % 2 == 0));
    REQUIRE(table->replace(5000, *table->get(1), true));
    CHECK(table->replace(5000, *table->get(1), true, 5000).error() == Errno::kEBADF);
    CHECK(*table->close_on_exec(5000));
    REQUIRE(table->set_close_on_exec(5000, false));
    const auto copy = *table->copy(2);
    table->close_marked();
    CHECK(table->next(0) == 1);
    CHECK(table->next(2) == 3);
    CHECK(table->next(10) == 5000);
    table->close_range(3, ~0u, false);
    CHECK(table->next(2) == -1);
    CHECK(copy->next(0) == 0);
    copy->close_range(0, 4, true);
    copy->close_marked();
    CHECK(copy->next(0) == 5);
    CHECK(*copy->add(new_file(), false) == 0);
  }
  CHECK(alive == 0);
}

TEST_CASE("threads open, look up and close the same descriptors") {
  {
    const auto table = new_table();
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 2000; ++i) {
          const auto made = table->add(new_file(), false);
          for (int d = 0; d < 8; ++d) {
            if (const auto file = table->get(d)) CHECK((*file)->flags() == 0);
          }
          if (made) (void)table->close(*made);
        }
      });
    }
    for (auto& thread : threads) thread.join();
    CHECK(table->next(0) == -1);
  }
  CHECK(alive == 0);
}

}  // namespace plumbline
