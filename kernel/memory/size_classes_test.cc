#include "memory/size_classes.hh"

#include <doctest/doctest.h>

using namespace plumbline;

TEST_CASE("every size gets the smallest class that holds it") {
  for (std::size_t size = 0; size <= kLargestSmallSize; ++size) {
    const std::size_t c = size_class_for(size);
    REQUIRE(c < kSizeClasses.size());
    CHECK(kSizeClasses[c] >= size);
    if (c > 0) CHECK(kSizeClasses[c - 1] < (size == 0 ? 1 : size));
  }
}

TEST_CASE("sizes keep objects aligned") {
  for (const std::size_t size : kSizeClasses) {
    CHECK(size % 16 == 0);
    if (size > 160) CHECK(size % 64 == 0);
  }
}
