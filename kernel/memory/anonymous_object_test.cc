#include "memory/anonymous_object.hh"

#include <doctest/doctest.h>

#include <cstring>
#include <random>
#include <thread>
#include <vector>

#include "core/units.hh"
#include "memory/pages_hosted.hh"

namespace plumbline {
namespace {

Ref<AnonymousObject> make(std::uint64_t size = 0) {
  return Ref<AnonymousObject>::adopt(new AnonymousObject(size));
}

// Reads as a file is read: holes are zeros.
std::vector<unsigned char> content(AnonymousObject& object) {
  std::vector<unsigned char> bytes(object.size());
  for (std::uint64_t at = 0; at < bytes.size(); at += kPageSize) {
    const auto* page = static_cast<const unsigned char*>(object.find(at / kPageSize));
    if (page != nullptr)
      std::memcpy(&bytes[at], page, std::min<std::uint64_t>(kPageSize, bytes.size() - at));
  }
  return bytes;
}

}  // namespace

TEST_CASE("Pages exist up to the end and not beyond") {
  const auto object = make(kPageSize + 1);
  CHECK(object->page(0, true));
  CHECK(object->page(1, false));
  CHECK(object->page(2, false).error() == Errno::kEFAULT);
  CHECK(object->page_count() == 2);
  CHECK(object->present_page(0, false).value != 0);
  CHECK(object->present_page(2, false).value == 0);
  limit_hosted_pages(hosted_pages_in_use());
  object->resize(10 * kPageSize);
  CHECK(object->page(5, true).error() == Errno::kENOMEM);
  limit_hosted_pages(~std::size_t{0});
  CHECK(object->page(5, true));
}

TEST_CASE("What was cut off does not come back") {
  const std::size_t before = hosted_pages_in_use();
  {
    const auto object = make(3 * kPageSize);
    for (unsigned i = 0; i < 3; ++i) std::memset(object->find_or_create(i), 0xff, kPageSize);
    object->resize(kPageSize + 100);
    CHECK(object->page_count() == 2);
    object->resize(3 * kPageSize);
    const auto bytes = content(*object);
    CHECK(bytes[kPageSize + 99] == 0xff);
    for (std::size_t i = kPageSize + 100; i < bytes.size(); ++i) REQUIRE(bytes[i] == 0);
  }
  CHECK(hosted_pages_in_use() == before);
}

TEST_CASE("Bytes that a mapping wrote behind the end are zeros when the file grows over them") {
  const auto object = make(10);
  std::memset(object->find_or_create(0), 0xee, kPageSize);
  object->grow(200);
  const auto bytes = content(*object);
  CHECK(bytes[9] == 0xee);
  for (std::size_t i = 10; i < 200; ++i) REQUIRE(bytes[i] == 0);
}

TEST_CASE("Random changes agree with an array of bytes") {
  std::mt19937_64 random(3);
  for (int round = 0; round < 20; ++round) {
    const auto object = make();
    std::vector<unsigned char> model;
    for (int i = 0; i < 300; ++i) {
      const std::uint64_t at = random() % (12 * kPageSize);
      const std::uint64_t length = random() % (4 * kPageSize);
      switch (random() % 4) {
        case 0:
          object->resize(at);
          model.resize(at);
          break;
        case 1:
          object->punch_hole(at, length);
          for (std::uint64_t j = at; j < std::min<std::uint64_t>(at + length, model.size()); ++j)
            model[j] = 0;
          break;
        default: {
          const auto value = static_cast<unsigned char>(random());
          object->grow(at + length);
          for (std::uint64_t j = at; j < at + length; ++j) {
            static_cast<unsigned char*>(object->find_or_create(j / kPageSize))[j % kPageSize] =
                value;
          }
          if (model.size() < at + length) model.resize(at + length);
          std::fill_n(model.begin() + static_cast<std::ptrdiff_t>(at), length, value);
        }
      }
      REQUIRE(content(*object) == model);
    }
  }
}

TEST_CASE("Faults and truncation at the same time") {
  const auto object = make(8 * kPageSize);
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      for (unsigned i = 0; i < 3000; ++i) {
        const auto page = object->page((i + t) % 8, true);
        if (!page) CHECK(page.error() == Errno::kEFAULT);
      }
    });
  }
  for (unsigned i = 0; i < 1000; ++i) {
    const LockGuard guard(object->content_lock);
    object->resize(i % 9 * kPageSize);
  }
  for (auto& thread : threads) thread.join();
  const LockGuard guard(object->content_lock);
  object->resize(0);
  CHECK(object->page_count() == 0);
}

}  // namespace plumbline
