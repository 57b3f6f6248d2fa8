#include "arch/x86_64/paging.hh"

#include "arch/x86_64/cpu.hh"
#include "arch/x86_64/paging_entries.hh"
#include "core/units.hh"
#include "sync/lock_guard.hh"
#include "sync/spinlock.hh"

extern "C" {
extern std::uint64_t image_pdpt[512], image_pd[512];
}

namespace plumbline::paging {
namespace {

// Accessed and dirty in advance: the CPU then never writes to the tables.
constexpr std::uint64_t kData = kPresent | kWrite | kUser | kAccessed | kDirty | kNoExecute;

PhysicalAddress (*table_source)();
// Two CPUs may both find that a table is missing.
Spinlock lock;

}  // namespace

std::uint64_t make_table() {
  const PhysicalAddress table = table_source();
  return table.value == 0 ? 0 : table.value | kPresent | kWrite | kUser | kAccessed;
}

std::uint64_t* entry_at(VirtualAddress address, unsigned level) {
  // The kernel's half is the same everywhere.
  std::uint64_t* table = index_at(address, 3) < 256 ? program_root : boot_pml4;
  for (unsigned l = 3; l > level; --l) {
    std::uint64_t& entry = table[index_at(address, l)];
    if ((entry & kPresent) == 0) {
      const std::uint64_t fresh = make_table();
      if (fresh == 0) return nullptr;
      // Others may walk the tables meanwhile (paging_programs.hh): the zeros come first.
      if (l == 3 && table == program_root) {
        store_top_entry(entry, fresh);
      } else {
        __atomic_store_n(&entry, fresh, __ATOMIC_RELEASE);
      }
    }
    table = table_of(entry);
  }
  return &table[index_at(address, level)];
}

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
  const std::uint64_t* table = loaded_root();
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
