// The programs' address space, seen through the functions by which the kernel touches it.
#include <array>
#include <cstring>

#include "core/units.hh"
#include "memory/address_space.hh"
#include "memory/anonymous_object.hh"
#include "memory/application_memory.hh"
#include "memory/pages.hh"
#include "tests/crew.hh"
#include "tests/guest_test.hh"

namespace plumbline {
namespace {

constexpr AddressOwner kOwner = 4711;
constexpr std::uint8_t kReadWrite = kProtectRead | kProtectWrite;

// Everything that a test maps goes at its end, and all pages are back.
class AddressSpaceScope {
 public:
  AddressSpaceScope() {
    // What stays for good is made first: the heap's slabs.
    const Result<std::uint64_t> warm = address_space::map(
        {.owner = kOwner, .length = kPageSize, .protection = kReadWrite, .room_below = 0});
    CHECK(warm);
    CHECK(store_application<char>(*warm, 1));
    address_space::unmap_owner(kOwner);
    before_ = page_statistics().free_pages;
  }
  ~AddressSpaceScope() {
    address_space::unmap_owner(kOwner);
    // A slab of the heap is four pages.
    CHECK(page_statistics().free_pages + 16 >= before_);
    CHECK(page_statistics().free_pages <= before_ + 16);
  }

 private:
  std::size_t before_;
};

std::uint64_t map_anonymous(std::uint64_t length, std::uint8_t protection = kReadWrite) {
  const Result<std::uint64_t> address =
      address_space::map({.owner = kOwner, .length = length, .protection = protection});
  CHECK(address);
  return address ? *address : 0;
}

std::uint64_t word_at(std::uint64_t address) {
  const Result<std::uint64_t> word = load_application<std::uint64_t>(address);
  CHECK(word);
  return word ? *word : ~std::uint64_t{0};
}

bool can_read(std::uint64_t address) { return bool{load_application<char>(address)}; }
bool can_write(std::uint64_t address) { return bool{store_application<char>(address, 1)}; }

std::uint64_t resident() { return address_space::usage(kOwner).resident_bytes / kPageSize; }

// An object of `pages` pages whose words say where they are.
Ref<AnonymousObject> numbered_object(std::uint64_t pages) {
  auto object = Ref<AnonymousObject>::adopt(new AnonymousObject(pages * kPageSize));
  for (std::uint64_t i = 0; i < pages; ++i) {
    auto* words = static_cast<std::uint64_t*>(object->find_or_create(i));
    for (std::size_t j = 0; j < kPageSize / 8; ++j) words[j] = i * kPageSize + j * 8;
  }
  return object;
}

}  // namespace

GUEST_TEST(address_space_maps_on_demand) {
  const AddressSpaceScope scope;
  const std::uint64_t length = 64 * kPageSize;
  const std::uint64_t address = map_anonymous(length);
  CHECK_EQUAL(resident(), 0);
  CHECK_EQUAL(word_at(address + 5 * kPageSize), 0);
  CHECK(resident() >= 1);
  for (std::uint64_t at = address; at < address + length; at += 8) {
    CHECK(store_application(at, at));
  }
  CHECK_EQUAL(resident(), 64);
  bool intact = true;
  for (std::uint64_t at = address; at < address + length; at += 8) intact &= word_at(at) == at;
  CHECK(intact);
  CHECK(!can_read(address - 1));
  CHECK(!can_read(address + length));
  CHECK(address_space::unmap(address + kPageSize, kPageSize));
  CHECK(!can_read(address + kPageSize));
  CHECK_EQUAL(word_at(address), address);
  CHECK_EQUAL(word_at(address + 2 * kPageSize), address + 2 * kPageSize);
  CHECK_EQUAL(resident(), 63);
}

GUEST_TEST(address_space_errors) {
  const AddressSpaceScope scope;
  const std::uint64_t address = map_anonymous(4 * kPageSize);
  using address_space::map;
  CHECK(map({.owner = kOwner, .length = 0}).error() == Errno::kEINVAL);
  CHECK(map({.owner = kOwner, .length = std::uint64_t{1} << 47}).error() == Errno::kENOMEM);
  CHECK(map({.owner = kOwner, .length = ~std::uint64_t{0}}).error() == Errno::kENOMEM);
  CHECK(map({.owner = kOwner, .hint = address + 1, .length = 1, .fixed = true}).error() ==
        Errno::kEINVAL);
  CHECK(map({.owner = kOwner, .hint = address, .length = 1, .fixed_noreplace = true}).error() ==
        Errno::kEEXIST);
  CHECK(map({.owner = kOwner, .hint = kApplicationEnd, .length = 1, .fixed = true}).error() ==
        Errno::kENOMEM);
  // The kernel's near image lies there, and is nobody's.
  for (unsigned map_of = 0; map_of < 3; ++map_of) {
    const std::uint64_t near = kNearImage + map_of * kImageMapStride + kMiB;
    for (const bool replace : {false, true}) {
      CHECK(map({.owner = kOwner,
                 .hint = near,
                 .length = 1,
                 .fixed = replace,
                 .fixed_noreplace = !replace})
                .error() == Errno::kENOMEM);
    }
    CHECK(address_space::protect(near, kPageSize, kReadWrite).error() == Errno::kENOMEM);
    CHECK(address_space::unmap(near, kPageSize).error() == Errno::kEINVAL);
    const auto elsewhere = map({.owner = kOwner, .hint = near, .length = 1});
    CHECK(elsewhere && *elsewhere < kApplicationEnd);
  }
  CHECK(map({.owner = kOwner, .hint = 0, .length = 1, .fixed = true}).error() == Errno::kEPERM);
  // More memory than there is, in one piece, unless it is only reserved.
  const std::uint64_t huge = 2 * page_statistics().total_pages * kPageSize;
  CHECK(map({.owner = kOwner, .length = huge, .protection = kReadWrite}).error() == Errno::kENOMEM);
  CHECK(map({.owner = kOwner, .length = huge, .protection = kReadWrite, .reserve_only = true}));
  CHECK(map({.owner = kOwner, .length = std::uint64_t{1} << 40}));
  CHECK(address_space::unmap(address + 1, kPageSize).error() == Errno::kEINVAL);
  CHECK(address_space::unmap(address, 0).error() == Errno::kEINVAL);
  CHECK(address_space::protect(address, 8 * kPageSize, kProtectRead).error() == Errno::kENOMEM);
  CHECK(address_space::check_mapped(address, 4 * kPageSize));
  CHECK(address_space::check_mapped(address, 5 * kPageSize).error() == Errno::kENOMEM);
  CHECK(address_space::advise(address, kPageSize, 99).error() == Errno::kEINVAL);
  CHECK(address_space::advise(address, 5 * kPageSize, 0).error() == Errno::kENOMEM);
  // A taken hint is no error: another place is found.
  const Result<std::uint64_t> elsewhere =
      map({.owner = kOwner, .hint = address, .length = kPageSize});
  CHECK(elsewhere && *elsewhere != address);
  const Result<std::uint64_t> hinted =
      map({.owner = kOwner, .hint = 0x12'3456'7000, .length = kPageSize, .protection = kReadWrite});
  CHECK(hinted && *hinted == 0x12'3456'7000);
}

GUEST_TEST(address_space_protects) {
  const AddressSpaceScope scope;
  const std::uint64_t address = map_anonymous(8 * kPageSize);
  for (unsigned i = 0; i < 8; ++i) CHECK(store_application(address + i * kPageSize, 100 + i));
  CHECK(address_space::protect(address + 2 * kPageSize, 2 * kPageSize, kProtectRead));
  CHECK(address_space::protect(address + 4 * kPageSize, kPageSize, 0));
  CHECK(can_write(address + kPageSize + 8));
  CHECK(!can_write(address + 2 * kPageSize));
  CHECK(can_read(address + 2 * kPageSize));
  CHECK(!can_read(address + 4 * kPageSize));
  CHECK(can_write(address + 5 * kPageSize + 8));
  CHECK(address_space::protect(address, 8 * kPageSize, kReadWrite));
  for (unsigned i = 0; i < 8; ++i) {
    CHECK_EQUAL(*load_application<int>(address + i * kPageSize), 100 + i);
    CHECK(can_write(address + i * kPageSize + 8));
  }
  // All is one area again.
  unsigned areas = 0;
  address_space::for_each_area(
      kOwner,
      [](void* context, const AreaDescription& area) {
        ++*static_cast<unsigned*>(context);
        return area.resident_pages == 8;
      },
      &areas);
  CHECK_EQUAL(areas, 1);
}

GUEST_TEST(address_space_splits_large_pages) {
  const AddressSpaceScope scope;
  if (page_statistics().free_pages < 3 * 512 + page_statistics().total_pages / 8) {
    guest_test_skip("needs 8 MiB of free memory");
    return;
  }
  const std::uint64_t address = map_anonymous(2 * kLargePageSize);
  CHECK_EQUAL(address % kLargePageSize, 0);
  for (std::uint64_t at = address; at < address + 2 * kLargePageSize; at += kPageSize) {
    CHECK(store_application(at, at));
  }
  CHECK_EQUAL(resident(), 1024);
  const std::uint64_t hole = address + 7 * kPageSize;
  CHECK(address_space::unmap(hole, 3 * kPageSize));
  CHECK(address_space::protect(address + 100 * kPageSize, 10 * kPageSize, kProtectRead));
  CHECK_EQUAL(resident(), 1021);
  for (std::uint64_t at = address; at < address + 2 * kLargePageSize; at += kPageSize) {
    const bool gone = at >= hole && at < hole + 3 * kPageSize;
    CHECK_EQUAL(can_read(at), !gone);
    if (!gone) CHECK_EQUAL(word_at(at), at);
  }
  CHECK(!can_write(address + 100 * kPageSize));
  CHECK(can_write(address + 110 * kPageSize + 8));
  // Given back, a page of the other block reads as zero.
  CHECK(address_space::advise(address + kLargePageSize + kPageSize, 2 * kPageSize, 4));
  CHECK_EQUAL(word_at(address + kLargePageSize + kPageSize), 0);
  CHECK_EQUAL(word_at(address + kLargePageSize + 3 * kPageSize),
              address + kLargePageSize + 3 * kPageSize);
}

GUEST_TEST(address_space_copies_private_pages) {
  const AddressSpaceScope scope;
  {
    // The last page holds 100 bytes; what lies behind them is not the mapping's.
    const auto object = numbered_object(20);
    object->content_lock.lock();
    object->resize(19 * kPageSize + 100);
    std::memset(static_cast<char*>(object->find(19)) + 100, 0xee, 50);
    object->content_lock.unlock();
    const auto map = [&](bool shared, std::uint64_t offset, std::uint64_t pages) {
      const auto result = address_space::map({.owner = kOwner,
                                              .length = pages * kPageSize,
                                              .protection = kReadWrite,
                                              .shared = shared,
                                              .object = object,
                                              .offset = offset * kPageSize});
      CHECK(result);
      return *result;
    };
    const std::uint64_t first = map(false, 0, 24), second = map(false, 0, 20);
    const std::uint64_t shared = map(true, 4, 16);
    CHECK_EQUAL(word_at(first + 3 * kPageSize + 16), 3 * kPageSize + 16);
    CHECK(store_application<std::uint64_t>(first + 3 * kPageSize + 16, 1));
    CHECK_EQUAL(word_at(first + 3 * kPageSize + 16), 1);
    CHECK_EQUAL(word_at(second + 3 * kPageSize + 16), 3 * kPageSize + 16);
    // Written without having been read.
    CHECK(store_application<std::uint64_t>(second + 9 * kPageSize, 2));
    CHECK_EQUAL(word_at(second + 9 * kPageSize + 8), 9 * kPageSize + 8);
    CHECK_EQUAL(word_at(first + 9 * kPageSize), 9 * kPageSize);
    // Shared writes are seen where there is no copy yet.
    CHECK(store_application<std::uint64_t>(shared, 3));
    CHECK_EQUAL(word_at(first + 4 * kPageSize), 3);
    CHECK_EQUAL(*static_cast<std::uint64_t*>(object->find(4)), 3);
    CHECK(store_application<std::uint64_t>(first + 19 * kPageSize, 4));
    CHECK_EQUAL(word_at(first + 19 * kPageSize + 96) >> 32, 0);
    CHECK_EQUAL(word_at(first + 19 * kPageSize + 104), 0);
    CHECK(!can_read(first + 20 * kPageSize));
    CHECK(address_space::resolve_fault(first + 20 * kPageSize, Access::kRead) ==
          FaultOutcome::kBeyondObject);
    // Truncation takes the pages from mappings, copies included.
    object->content_lock.lock();
    object->resize(3 * kPageSize);
    CHECK_EQUAL(object->page_count(), 3);
    object->resize(8 * kPageSize);
    object->content_lock.unlock();
    CHECK_EQUAL(word_at(first + 3 * kPageSize + 16), 0);
    CHECK_EQUAL(word_at(shared), 0);
    CHECK(!can_read(second + 9 * kPageSize));
    CHECK_EQUAL(word_at(second + 2 * kPageSize), 2 * kPageSize);
    PhysicalAddress where;
    CHECK(address_space::object_page(shared, where) == address_space::SeenPage::kShared);
    CHECK_EQUAL(where.value, to_physical(object->find(4)).value);
    CHECK(address_space::object_page(second, where) == address_space::SeenPage::kPrivate);
    address_space::unmap_owner(kOwner);
    CHECK_EQUAL(object->reference_count(), 1);
  }
}

GUEST_TEST(address_space_remaps) {
  const AddressSpaceScope scope;
  std::uint64_t address = map_anonymous(3 * kPageSize);
  for (unsigned i = 0; i < 3; ++i) CHECK(store_application(address + i * kPageSize, 10 + i));
  // Taken on both sides, it has to move.
  CHECK(address_space::map({.owner = kOwner,
                            .hint = address + 3 * kPageSize,
                            .length = kPageSize,
                            .protection = kProtectRead,
                            .fixed = true}));
  CHECK(address_space::remap(kOwner, address, 3 * kPageSize, 6 * kPageSize, 0, 0).error() ==
        Errno::kENOMEM);
  const auto moved = address_space::remap(kOwner, address, 3 * kPageSize, 6 * kPageSize, 1, 0);
  CHECK(moved && *moved != address);
  CHECK(!can_read(address));
  for (unsigned i = 0; i < 3; ++i) {
    CHECK_EQUAL(*load_application<int>(*moved + i * kPageSize), 10 + i);
  }
  CHECK_EQUAL(word_at(*moved + 5 * kPageSize), 0);
  // Shorter, to a given place.
  const auto fixed =
      address_space::remap(kOwner, *moved, 6 * kPageSize, 2 * kPageSize, 3, 0x1234'5000);
  CHECK(fixed && *fixed == 0x1234'5000);
  CHECK_EQUAL(*load_application<int>(0x1234'5000 + kPageSize), 11);
  CHECK(!can_read(0x1234'5000 + 2 * kPageSize));
  CHECK(address_space::remap(kOwner, 0x5000'0000, kPageSize, kPageSize * 2, 1, 0).error() ==
        Errno::kEFAULT);
  CHECK(address_space::remap(kOwner, *fixed, kPageSize, 0, 1, 0).error() == Errno::kEINVAL);
  // Large pages: grown in place, then moved as they are.
  const std::uint64_t large = map_anonymous(kLargePageSize);
  for (std::uint64_t at = 0; at < kLargePageSize; at += kPageSize) {
    CHECK(store_application(large + at, at));
  }
  const auto grown = address_space::remap(kOwner, large, kLargePageSize, 2 * kLargePageSize, 1, 0);
  const auto odd =
      address_space::remap(kOwner, *grown, 2 * kLargePageSize, kLargePageSize, 3, 0x4000'3000);
  CHECK(odd);
  bool intact = true;
  for (std::uint64_t at = 0; at < kLargePageSize; at += kPageSize) {
    intact &= word_at(0x4000'3000 + at) == at;
  }
  CHECK(intact);
}

GUEST_TEST(address_space_stack_grows) {
  const AddressSpaceScope scope;
  const auto stack = address_space::map({.owner = kOwner,
                                         .hint = 0x7000'0000,
                                         .length = 4 * kPageSize,
                                         .protection = kReadWrite,
                                         .fixed = true,
                                         .grows_down = true});
  CHECK(stack);
  CHECK(can_write(*stack - 5 * kPageSize));
  CHECK(can_write(*stack - kPageSize));
  CHECK(!can_write(*stack - 16 * kMiB));
  CHECK(address_space::check_mapped(*stack - 5 * kPageSize, 9 * kPageSize));
  // Not into the guard of what lies below.
  CHECK(address_space::map({.owner = kOwner,
                            .hint = 0x7000'0000 - 2 * kMiB,
                            .length = kPageSize,
                            .protection = kReadWrite,
                            .fixed = true}));
  CHECK(!can_write(0x7000'0000 - 2 * kMiB + 2 * kPageSize));
}

GUEST_TEST(address_space_out_of_memory_is_an_error) {
  const AddressSpaceScope scope;
  // More than there is, page by page, until there is no more.
  const std::uint64_t pages = page_statistics().total_pages + 1024;
  const auto address = address_space::map({.owner = kOwner,
                                           .length = pages * kPageSize,
                                           .protection = kReadWrite,
                                           .reserve_only = true});
  CHECK(address);
  std::uint64_t written = 0;
  while (written < pages && store_application(*address + written * kPageSize, written)) ++written;
  CHECK(written < pages && written > pages / 2);
  CHECK(address_space::resolve_fault(*address + written * kPageSize, Access::kWrite) ==
        FaultOutcome::kOutOfMemory);
  // The kernel still has some, and nothing is lost.
  CHECK(page_statistics().free_pages >= 32);
  bool intact = true;
  for (std::uint64_t i = 0; i < written; ++i) intact &= word_at(*address + i * kPageSize) == i;
  CHECK(intact);
  // What is given back can be used elsewhere.
  CHECK(address_space::advise(*address, 64 * kPageSize, 4));
  CHECK(can_write(*address + written * kPageSize));
}

// Pages given back and touched again, in one area and in parts of it, agree with a table of them.
GUEST_TEST(address_space_gives_back_what_was_touched) {
  const AddressSpaceScope scope;
  constexpr unsigned kPages = 1536, kDontNeed = 4;
  for (const bool small : {true, false}) {
    // With whole blocks in it.
    const auto base = address_space::map({.owner = kOwner,
                                          .length = kPages * kPageSize,
                                          .protection = kReadWrite,
                                          .small_pages = small});
    CHECK(base);
    if (!base) return;
    const auto at = [&](std::uint64_t page) { return *base + page * kPageSize; };
    static std::array<std::uint64_t, kPages> content;
    content = {};
    Random random(99);
    for (unsigned step = 0; step < 1500; ++step) {
      // Mostly from the beginning, as threads do with their stacks, and from where that ended.
      const std::uint64_t first = random.below(3) == 0 ? random.below(kPages) : 0;
      const std::uint64_t pages = 1 + random.below(kPages - first);
      switch (random.below(8)) {
        case 0:
        case 1:
          CHECK(address_space::advise(at(first), pages * kPageSize, kDontNeed));
          for (std::uint64_t i = first; i < first + pages; ++i) content[i] = 0;
          break;
        case 2:
          // An area of its own, or part of its neighbours again.
          CHECK(address_space::protect(
              at(first), pages * kPageSize,
              random.below(2) == 0 ? kReadWrite | kProtectExecute : kReadWrite));
          break;
        case 3:
          // Moved away and back: the pages come with it.
          if (const auto moved = address_space::remap(kOwner, at(first), kPageSize, kPageSize,
                                                      3 /* to a place */, at(kPages + 64));
              moved) {
            CHECK(address_space::remap(kOwner, *moved, kPageSize, kPageSize, 3, at(first)));
          }
          break;
        default: {
          const std::uint64_t page = random.below(2) == 0 ? kPages - 1 - random.below(32) : first;
          content[page] = random.next();
          CHECK(store_application(at(page) + 16, content[page]));
        }
      }
      const std::uint64_t other = random.below(kPages);
      CHECK_EQUAL(word_at(at(other) + 16), content[other]);
    }
    for (unsigned page = 0; page < kPages; ++page) {
      CHECK_EQUAL(word_at(at(page) + 16), content[page]);
    }
    address_space::unmap_owner(kOwner);
  }
}

}  // namespace plumbline
