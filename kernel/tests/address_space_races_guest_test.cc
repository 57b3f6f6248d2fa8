// Threads on several CPUs that change the address space at the same time, and check what they see.
#include <array>
#include <atomic>

#include "core/units.hh"
#include "memory/address_space.hh"
#include "memory/anonymous_object.hh"
#include "memory/application_memory.hh"
#include "memory/pages.hh"
#include "tests/crew.hh"
#include "tests/guest_test.hh"

namespace plumbline {
namespace {

constexpr AddressOwner kOwner = 4712;
constexpr std::uint8_t kReadWrite = kProtectRead | kProtectWrite;

// Loads a word without giving the kernel a chance to make the page: false when it is not there.
bool peek(std::uint64_t address, std::uint32_t& value) {
  return load_word_atomically(value, address);
}

// The pages of stacks, slabs and tables that a crew leaves behind are made before anybody counts.
class PageCount {
 public:
  PageCount() {
    {
      const Crew warm(2 * cpu_count(), [](unsigned) {
        const auto address = address_space::map(
            {.owner = kOwner, .length = 40 * kPageSize, .protection = kReadWrite});
        if (address) {
          for (unsigned i = 0; i < 40; ++i) {
            CHECK(address_space::protect(*address + i * kPageSize, kPageSize, i % 2 * kReadWrite));
          }
        }
      });
    }
    address_space::unmap_owner(kOwner);
    before_ = page_statistics().free_pages;
  }
  ~PageCount() {
    address_space::unmap_owner(kOwner);
    CHECK(page_statistics().free_pages + 64 >= before_);
  }

 private:
  std::size_t before_;
};

}  // namespace

// Each thread has a range of its own, whose state it knows page by page; all share the tables.
GUEST_TEST(address_space_races_of_neighbours) {
  const PageCount count;
  const Deadline deadline = Deadline::after(kStressTime);
  constexpr unsigned kPages = 64;
  const unsigned threads = 2 * cpu_count();
  // Interleaved: neighbours share page tables and areas.
  const auto base = address_space::map({.owner = kOwner,
                                        .length = threads * kPages * kPageSize,
                                        .protection = 0,
                                        .small_pages = true});
  CHECK(base);
  {
    const Crew crew(threads, [&, deadline](unsigned number) {
      Random random(number + 77);
      std::array<std::uint64_t, kPages> content{};
      // 0: not mapped or no access, 1: readable, 2: writable
      std::array<std::uint8_t, kPages> state{};
      const auto at = [&](std::uint64_t page) {
        return *base + (page * threads + number) * kPageSize;
      };
      while (!deadline.passed()) {
        const std::uint64_t page = random.below(kPages);
        switch (random.below(6)) {
          case 0: {
            CHECK(address_space::map({.owner = kOwner,
                                      .hint = at(page),
                                      .length = kPageSize,
                                      .protection = kReadWrite,
                                      .fixed = true}));
            content[page] = 0;
            state[page] = 2;
            break;
          }
          case 1:
            CHECK(address_space::unmap(at(page), kPageSize));
            state[page] = 0;
            break;
          case 2:
            if (state[page] == 0) break;
            CHECK(address_space::protect(at(page), kPageSize, kProtectRead));
            state[page] = 1;
            break;
          case 3:
            if (state[page] == 0) break;
            CHECK(address_space::protect(at(page), kPageSize, kReadWrite));
            state[page] = 2;
            break;
          default: {
            const std::uint64_t fresh = random.next();
            const bool wrote{store_application(at(page) + 8 * number, fresh)};
            CHECK_EQUAL(wrote, state[page] == 2);
            if (wrote) content[page] = fresh;
          }
        }
        const std::uint64_t other = random.below(kPages);
        const auto read = load_application<std::uint64_t>(at(other) + 8 * number);
        CHECK_EQUAL(bool{read}, state[other] != 0);
        if (read) CHECK_EQUAL(*read, content[other]);
      }
    });
  }
}

// One thread takes a page away again and again and looks whether anybody could still write to it
// afterwards; the others write as long as they can. A CPU that kept the old translation writes into
// what the page has become.
GUEST_TEST(address_space_shootdown) {
  if (cpu_count() == 1) {
    guest_test_skip("needs two CPUs");
    return;
  }
  const PageCount count;
  constexpr unsigned kPages = 16;
  const auto object = Ref<AnonymousObject>::adopt(new AnonymousObject(kPages * kPageSize));
  std::atomic<std::uint64_t> place{0};
  std::atomic<bool> stop{false};
  std::uint64_t rounds = 0;
  {
    const Crew crew(cpu_count(), [&](unsigned number) {
      if (number != 0) {
        std::uint32_t value = number;
        while (!stop.load()) {
          const std::uint64_t address = place.load();
          if (address == 0) continue;
          for (unsigned i = 0; i < kPages; ++i) {
            std::uint32_t expected = 0;
            if (!peek(address + i * kPageSize + 4 * number, expected)) break;
            compare_exchange_word(address + i * kPageSize + 4 * number, expected, ++value);
          }
        }
        return;
      }
      const Deadline deadline = Deadline::after(kStressTime);
      Random random(5);
      while (!deadline.passed()) {
        ++rounds;
        const auto address = address_space::map({.owner = kOwner,
                                                 .length = kPages * kPageSize,
                                                 .protection = kReadWrite,
                                                 .shared = true,
                                                 .populate = true,
                                                 .object = object});
        CHECK(address);
        place = *address;
        for (std::uint64_t spins = random.below(2000); spins != 0; --spins) cpu_relax();
        const bool by_protection = random.below(2) == 0;
        if (by_protection) {
          CHECK(address_space::protect(*address, kPages * kPageSize, kProtectRead));
        } else {
          CHECK(address_space::unmap(*address, kPages * kPageSize));
        }
        // From here on nobody can write, so what is there stays.
        std::array<std::uint32_t, kMaxCpus> seen[kPages];
        for (unsigned i = 0; i < kPages; ++i) {
          for (unsigned j = 0; j < kMaxCpus; ++j) {
            seen[i][j] = static_cast<std::uint32_t*>(object->find(i))[j];
          }
        }
        for (std::uint64_t spins = random.below(2000); spins != 0; --spins) cpu_relax();
        bool changed = false;
        for (unsigned i = 0; i < kPages; ++i) {
          for (unsigned j = 0; j < kMaxCpus; ++j) {
            changed |= seen[i][j] != static_cast<std::uint32_t*>(object->find(i))[j];
          }
        }
        CHECK(!changed);
        place = 0;
        if (by_protection) CHECK(address_space::unmap(*address, kPages * kPageSize));
      }
      stop = true;
    });
  }
  CHECK(rounds > 2);
}

// All fault in the same pages at the same time: each page is made once.
GUEST_TEST(address_space_races_for_the_same_page) {
  const PageCount count;
  const unsigned threads = cpu_count();
  constexpr unsigned kPages = 700;
  const Deadline deadline = Deadline::after(kStressTime);
  std::atomic<unsigned> arrived{0};
  std::atomic<std::uint64_t> place{0};
  unsigned rounds = 0;
  const Crew crew(threads, [&, deadline](unsigned number) {
    for (unsigned round = 0;; ++round) {
      const auto barrier = [&](unsigned step) {
        arrived.fetch_add(1);
        while (arrived.load() < (2 * round + step) * threads) yield();
      };
      if (number == 0) {
        if (deadline.passed()) {
          place = ~std::uint64_t{0};
        } else {
          const auto address = address_space::map(
              {.owner = kOwner, .length = kPages * kPageSize, .protection = kReadWrite});
          CHECK(address);
          place = *address;
        }
      }
      barrier(1);
      const std::uint64_t address = place;
      if (address == ~std::uint64_t{0}) return;
      for (unsigned i = 0; i < kPages; ++i) {
        CHECK(store_application<std::uint32_t>(address + i * kPageSize + 4 * number, i + round));
      }
      barrier(2);
      if (number != 0) continue;
      for (unsigned i = 0; i < kPages; ++i) {
        for (unsigned j = 0; j < threads; ++j) {
          const auto word = load_application<std::uint32_t>(address + i * kPageSize + 4 * j);
          CHECK(word && *word == i + round);
        }
      }
      CHECK(address_space::unmap(address, kPages * kPageSize));
      ++rounds;
    }
  });
}

// A file is cut off and grown again under those who use it.
GUEST_TEST(address_space_truncation_races) {
  const PageCount count;
  constexpr unsigned kPages = 32;
  const auto object = Ref<AnonymousObject>::adopt(new AnonymousObject(kPages * kPageSize));
  const auto address = address_space::map({.owner = kOwner,
                                           .length = kPages * kPageSize,
                                           .protection = kReadWrite,
                                           .shared = true,
                                           .object = object});
  CHECK(address);
  {
    const Deadline deadline = Deadline::after(kStressTime);
    const Crew crew(cpu_count() + 1, [&, deadline](unsigned number) {
      Random random(number + 3);
      while (!deadline.passed()) {
        const std::uint64_t page = random.below(kPages);
        if (number == 0) {
          const LockGuard guard(object->content_lock);
          if (random.below(2) == 0) {
            object->resize(page * kPageSize);
            object->resize(kPages * kPageSize);
          } else {
            object->punch_hole(page * kPageSize, random.below(8) * kPageSize);
          }
          continue;
        }
        // Zero, or what this thread wrote: never another page's content.
        const std::uint64_t word = *address + page * kPageSize + 8 * number;
        const auto seen = load_application<std::uint64_t>(word);
        if (seen && *seen != 0) CHECK_EQUAL(*seen, word);
        static_cast<void>(store_application(word, word));
      }
    });
  }
  CHECK(address_space::unmap(*address, kPages * kPageSize));
  CHECK_EQUAL(object->reference_count(), 1);
}

}  // namespace plumbline
