// Objects up to 2,688 bytes come from slabs of 16 KiB of one size class; each slab belongs to the
// CPU that made it. That CPU allocates and frees with interrupts masked and no lock. A CPU that
// frees another's object pushes it onto the owner's list (a Treiber stack: many push, only the
// owner takes, and it takes all at once, so there is no ABA problem); the owner sorts them in when
// a class runs dry. Larger objects are page blocks.
#include "memory/heap.hh"

#include <atomic>
#include <new>

#include "arch/x86_64/interrupts.hh"
#include "core/assert.hh"
#include "core/intrusive_list.hh"
#include "core/panic.hh"
#include "memory/pages.hh"
#include "memory/size_classes.hh"

namespace plumbline {
namespace {

constexpr unsigned kSlabOrder = 2;
constexpr std::size_t kSlabSize = kPageSize << kSlabOrder;

struct FreeObject {
  FreeObject* next;
};

struct CpuHeap;

// At the start of each slab.
struct alignas(kCacheLine) Slab {
  CpuHeap* owner;
  ListHook hook;
  FreeObject* free;
  std::uint32_t untouched;  // offset of the part that was never given out
  std::uint16_t size_class;
  std::uint16_t in_use;
};
static_assert(sizeof(Slab) == kCacheLine);

using SlabList = IntrusiveList<Slab, &Slab::hook>;

struct CpuHeap {
  // Slabs with room; the first is allocated from. Full slabs are in no list: a free finds them by
  // address.
  SlabList partial[kSizeClasses.size()];
  std::uint64_t slabs = 0;
  std::uint64_t remote_frees = 0;
  // Written by other CPUs, so on a line of its own.
  alignas(kCacheLine) std::atomic<FreeObject*> returned{nullptr};
};

// CPU 0's is static: it is needed before anything can be allocated.
constinit CpuHeap first_heap;

CpuHeap& local() { return *static_cast<CpuHeap*>(this_cpu().heap); }

bool has_room(const Slab& slab) {
  return slab.free != nullptr || slab.untouched + kSizeClasses[slab.size_class] <= kSlabSize;
}

Slab* slab_of(void* object) {
  return reinterpret_cast<Slab*>(reinterpret_cast<std::uintptr_t>(object) & ~(kSlabSize - 1));
}

void free_local(CpuHeap& heap, Slab& slab, void* object) {
  const bool was_full = !has_room(slab);
  auto* free = static_cast<FreeObject*>(object);
  free->next = slab.free;
  slab.free = free;
  ASSERT(slab.in_use != 0);
  --slab.in_use;
  SlabList& list = heap.partial[slab.size_class];
  if (was_full) list.push_back(&slab);
  // The last slab with room stays even when empty, so that one object back and forth costs no slab
  // each time.
  if (slab.in_use == 0 && list.front() != list.back()) {
    list.remove(&slab);
    --heap.slabs;
    free_pages(block_at(&slab));
  }
}

void take_returned(CpuHeap& heap) {
  // Acquire pairs with the release of the pushes: the objects' links are visible.
  FreeObject* object = heap.returned.exchange(nullptr, std::memory_order_acquire);
  while (object != nullptr) {
    FreeObject* next = object->next;
    free_local(heap, *slab_of(object), object);
    object = next;
  }
}

Slab* new_slab(CpuHeap& heap, std::size_t size_class) {
  const PageBlock block = allocate_pages(kSlabOrder);
  if (!block) return nullptr;
  set_page_use(block, PageUse::kSlab);
  auto* slab = new (block.data)
      Slab{&heap, {}, nullptr, sizeof(Slab), static_cast<std::uint16_t>(size_class), 0};
  heap.partial[size_class].push_front(slab);
  ++heap.slabs;
  return slab;
}

void* allocate_small(std::size_t size_class) {
  const InterruptGuard masked;
  CpuHeap& heap = local();
  Slab* slab = heap.partial[size_class].front();
  if (slab == nullptr) {
    take_returned(heap);
    slab = heap.partial[size_class].front();
    if (slab == nullptr) slab = new_slab(heap, size_class);
    if (slab == nullptr) return nullptr;
  }
  void* object;
  if (slab->free != nullptr) {
    object = slab->free;
    slab->free = slab->free->next;
  } else {
    object = reinterpret_cast<std::byte*>(slab) + slab->untouched;
    slab->untouched += kSizeClasses[size_class];
  }
  ++slab->in_use;
  if (!has_room(*slab)) heap.partial[size_class].remove(slab);
  return object;
}

}  // namespace

void* heap_allocate(std::size_t size, std::size_t alignment) {
  // Slab objects of these sizes are aligned to 64; anything stricter gets pages.
  if (alignment > 16) size = align_up(size, 64);
  if (size <= kLargestSmallSize && alignment <= kCacheLine) {
    return allocate_small(size_class_for(size));
  }
  ASSERT(alignment <= kPageSize);
  return allocate_pages(page_order_for(size)).data;
}

void heap_free(void* pointer) {
  if (pointer == nullptr) return;
  if (page_use(pointer) == PageUse::kBlock) {
    free_pages(block_at(pointer));
    return;
  }
  Slab& slab = *slab_of(pointer);
  const InterruptGuard masked;
  CpuHeap& heap = local();
  if (slab.owner == &heap) {
    free_local(heap, slab, pointer);
    return;
  }
  auto* object = static_cast<FreeObject*>(pointer);
  FreeObject* head = slab.owner->returned.load(std::memory_order_relaxed);
  do {
    object->next = head;
    // Release: the link is written before the owner can see the object.
  } while (!slab.owner->returned.compare_exchange_weak(head, object, std::memory_order_release,
                                                       std::memory_order_relaxed));
  ++heap.remote_frees;
}

void initialise_heap() {
  if (this_cpu().index == 0) {
    this_cpu().heap = &first_heap;
    return;
  }
  static_assert(sizeof(CpuHeap) <= kPageSize);
  const PageBlock block = allocate_pages(0);
  if (!block) panic("no memory for the heap of cpu %u", this_cpu().index);
  this_cpu().heap = new (block.data) CpuHeap;
}

HeapStatistics heap_statistics() {
  HeapStatistics sum{};
  for (unsigned i = 0; i < cpu_count(); ++i) {
    // Counters of other CPUs: read as they are, for tests and statistics.
    const auto* heap = static_cast<const CpuHeap*>(cpu(i).heap);
    if (heap == nullptr) continue;
    sum.slabs += __atomic_load_n(&heap->slabs, __ATOMIC_RELAXED);
    sum.remote_frees += __atomic_load_n(&heap->remote_frees, __ATOMIC_RELAXED);
  }
  return sum;
}

}  // namespace plumbline

namespace {

void* allocate_or_panic(std::size_t size, std::size_t alignment) {
  void* pointer = plumbline::heap_allocate(size, alignment);
  if (pointer == nullptr) {
    const plumbline::PageStatistics pages = plumbline::page_statistics();
    plumbline::panic("out of memory: %zu bytes wanted, %zu of %zu KiB free", size,
                     pages.free_pages * 4, pages.total_pages * 4);
  }
  return pointer;
}

}  // namespace

// The throwing forms panic when memory is short; the nothrow forms return null.
void* operator new(std::size_t size) { return allocate_or_panic(size, 16); }
void* operator new[](std::size_t size) { return allocate_or_panic(size, 16); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocate_or_panic(size, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return allocate_or_panic(size, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return plumbline::heap_allocate(size);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  return plumbline::heap_allocate(size);
}
void* operator new(std::size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return plumbline::heap_allocate(size, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return plumbline::heap_allocate(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* pointer) noexcept { plumbline::heap_free(pointer); }
void operator delete[](void* pointer) noexcept { plumbline::heap_free(pointer); }
void operator delete(void* pointer, std::size_t) noexcept { plumbline::heap_free(pointer); }
void operator delete[](void* pointer, std::size_t) noexcept { plumbline::heap_free(pointer); }
void operator delete(void* pointer, std::align_val_t) noexcept { plumbline::heap_free(pointer); }
void operator delete[](void* pointer, std::align_val_t) noexcept { plumbline::heap_free(pointer); }
void operator delete(void* pointer, std::size_t, std::align_val_t) noexcept {
  plumbline::heap_free(pointer);
}
void operator delete[](void* pointer, std::size_t, std::align_val_t) noexcept {
  plumbline::heap_free(pointer);
}

namespace std {
// The library's own object is in libstdc++, which is not linked.
const nothrow_t nothrow{};
}  // namespace std
