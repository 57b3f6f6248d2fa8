#include "linux/system/load_average.hh"

#include <doctest/doctest.h>

namespace plumbline::linux_abi {

TEST_CASE("a CPU that is always busy is a load of one") {
  LoadAverage load;
  for (std::uint64_t minute = 1; minute <= 120; ++minute)
    load.update(seconds(60 * minute), seconds(60 * minute));
  for (const std::uint64_t average : load.averages()) {
    CHECK(average > LoadAverage::kOne * 99 / 100);
    CHECK(average <= LoadAverage::kOne);
  }
}

TEST_CASE("load rises and falls with its time constant") {
  LoadAverage load;
  load.update(seconds(60), seconds(120));
  // 2 * (1 - 1/e) = 1.264
  CHECK(load.averages()[0] > LoadAverage::kOne * 125 / 100);
  CHECK(load.averages()[0] < LoadAverage::kOne * 128 / 100);
  CHECK(load.averages()[1] < load.averages()[0] / 2);
  load.update(seconds(60 + 600), seconds(120));
  CHECK(load.averages()[0] < LoadAverage::kOne / 100);
}

TEST_CASE("readings in quick succession change nothing") {
  LoadAverage load;
  load.update(seconds(60), seconds(60));
  const auto before = load.averages();
  for (int i = 1; i < 50; ++i) load.update(seconds(60) + milliseconds(10 * i), seconds(60));
  CHECK(load.averages() == before);
}

}  // namespace plumbline::linux_abi
