#include <array>
#include <atomic>
#include <cstring>
#include <new>

#include "memory/heap.hh"
#include "memory/pages.hh"
#include "tests/crew.hh"
#include "tests/guest_test.hh"

namespace plumbline {

GUEST_TEST(heap_sizes_and_alignment) {
  for (const std::size_t alignment : {16, 64, 256, 4096}) {
    for (std::size_t size = 1; size < 20000; size += size / 7 + 1) {
      void* a = heap_allocate(size, alignment);
      void* b = heap_allocate(size, alignment);
      CHECK(a != nullptr && b != nullptr && a != b);
      CHECK_EQUAL(reinterpret_cast<std::uintptr_t>(a) % alignment, 0);
      CHECK_EQUAL(reinterpret_cast<std::uintptr_t>(b) % alignment, 0);
      std::memset(a, 1, size);
      std::memset(b, 2, size);
      CHECK(static_cast<char*>(a)[size - 1] == 1);
      heap_free(a);
      heap_free(b);
    }
  }
  heap_free(nullptr);
}

GUEST_TEST(heap_returns_its_slabs) {
  const std::uint64_t slabs = heap_statistics().slabs;
  constexpr unsigned kCount = 2000;
  auto** list = new void*[kCount];
  for (unsigned i = 0; i < kCount; ++i) {
    list[i] = heap_allocate(200);
    std::memset(list[i], static_cast<int>(i), 200);
  }
  CHECK(heap_statistics().slabs >= slabs + kCount * 256 / (64 * kKiB));
  for (unsigned i = 0; i < kCount; ++i) {
    CHECK(*static_cast<unsigned char*>(list[(i * 7) % kCount]) ==
          static_cast<unsigned char>(i * 7 % kCount));
    heap_free(list[(i * 7) % kCount]);
  }
  delete[] list;
  CHECK(heap_statistics().slabs <= slabs + 2);
}

GUEST_TEST(heap_frees_across_cpus) {
  // Each thread allocates and puts into the slots, and frees what others have put there.
  static std::array<std::atomic<std::uint64_t*>, 64> slots;
  const std::uint64_t remote_before = heap_statistics().remote_frees;
  {
    const Deadline deadline = Deadline::after(kStressTime);
    const Crew crew(2 * cpu_count(), [deadline](unsigned number) {
      Random random(number + 77);
      for (int i = 0; i < 20000 && !deadline.passed(); ++i) {
        const std::size_t words = 2 + random.below(40);
        auto* object = static_cast<std::uint64_t*>(heap_allocate(words * 8));
        if (object == nullptr) continue;
        object[0] = words;
        for (std::size_t w = 1; w < words; ++w) object[w] = words * w;
        auto* old = slots[random.below(slots.size())].exchange(object, std::memory_order_acq_rel);
        if (old == nullptr) continue;
        bool intact = old[0] >= 2 && old[0] < 42;
        for (std::size_t w = 1; intact && w < old[0]; ++w) intact = old[w] == old[0] * w;
        CHECK(intact);
        heap_free(old);
      }
    });
  }
  for (auto& slot : slots) heap_free(slot.exchange(nullptr, std::memory_order_acquire));
  if (cpu_count() > 1) CHECK(heap_statistics().remote_frees > remote_before);
}

GUEST_TEST(heap_nothrow_reports_exhaustion) {
  CHECK(new (std::nothrow) char[64 * kMiB] == nullptr);
  auto* object = new std::uint64_t(7);
  CHECK_EQUAL(*object, 7);
  delete object;
}

}  // namespace plumbline
