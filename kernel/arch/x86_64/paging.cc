#include "arch/x86_64/paging.hh"

#include "arch/x86_64/cpu.hh"
#include "core/units.hh"
#include "sync/lock_guard.hh"
#include "sync/spinlock.hh"

extern "C" {
extern std::uint64_t boot_pml4[512], image_pdpt[512], image_pd[512];
}

namespace plumbline::paging {
namespace {

constexpr std::uint64_t kPresent = 1, kWrite = 2, kUser = 4, kUncached = 0x10, kAccessed = 0x20,
                        kDirty = 0x40, kLarge = 0x80, kNoExecute = std::uint64_t{1} << 63;
constexpr std::uint64_t kAddressMask = 0x000f'ffff'ffff'f000;
// Accessed and dirty in advance: the CPU then never writes to the tables.
constexpr std::uint64_t kData = kPresent | kWrite | kUser | kAccessed | kDirty | kNoExecute;

PhysicalAddress (*table_source)();
// Two CPUs may both find that a table is missing.
Spinlock lock;

unsigned index_at(VirtualAddress address, unsigned level) {
  return static_cast<unsigned>(address.value >> (12 + 9 * level)) & 511;
}

std::uint64_t* table_of(std::uint64_t entry) {
  return to_virtual(PhysicalAddress{entry & kAddressMask}).as<std::uint64_t>();
}

// The entry for `address` at `level` (0: 4 KiB, 1: 2 MiB); tables on the way are created. Null
// without memory.
std::uint64_t* entry_at(VirtualAddress address, unsigned level) {
  std::uint64_t* table = boot_pml4;
  for (unsigned l = 3; l > level; --l) {
    std::uint64_t& entry = table[index_at(address, l)];
    if ((entry & kPresent) == 0) {
      const PhysicalAddress fresh = table_source();
      if (fresh.value == 0) return nullptr;
      entry = fresh.value | kPresent | kWrite | kUser | kAccessed;
    }
    table = table_of(entry);
  }
  return &table[index_at(address, level)];
}

}  // namespace

void set_table_source(PhysicalAddress (*source)()) { table_source = source; }

bool map_page(VirtualAddress address, PhysicalAddress to) {
  const LockGuard guard(lock);
  std::uint64_t* entry = entry_at(address, 0);
  if (entry == nullptr) return false;
  *entry = to.value | kData;
  return true;
}

bool map_direct_large(PhysicalAddress to, Access access) {
  const LockGuard guard(lock);
  const PhysicalAddress page{align_down(to.value, kLargePageSize)};
  std::uint64_t* entry = entry_at(to_virtual(page), 1);
  if (entry == nullptr) return false;
  if ((*entry & kPresent) == 0) {
    *entry = page.value | kData | kLarge | (access == Access::kReadWriteUncached ? kUncached : 0);
  }
  return true;
}

bool is_mapped(VirtualAddress address) {
  const auto sign = static_cast<std::int64_t>(address.value) >> 47;
  if (sign != 0 && sign != -1) return false;
  const std::uint64_t* table = boot_pml4;
  for (unsigned level = 3;; --level) {
    const std::uint64_t entry = table[index_at(address, level)];
    if ((entry & kPresent) == 0) return false;
    if (level == 0 || (entry & kLarge) != 0) return true;
    table = table_of(entry);
  }
}

void remove_boot_mappings(PhysicalAddress image_end) {
  boot_pml4[0] = 0;
  image_pdpt[0] = 0;
  for (std::uint64_t page = align_up(image_end.value, kLargePageSize) / kLargePageSize; page < 16;
       ++page) {
    image_pd[page] = image_pd[16 + page] = image_pd[32 + page] = 0;
  }
  flush_this_cpu();
}

void flush_this_cpu() { write_cr3(read_cr3()); }

}  // namespace plumbline::paging
