#include "arch/x86_64/program_tables.hh"

#include <atomic>
#include <cstring>

#include "arch/x86_64/application.hh"
#include "arch/x86_64/cpu.hh"
#include "arch/x86_64/interrupts.hh"
#include "arch/x86_64/paging_entries.hh"
#include "core/per_cpu.hh"

namespace plumbline::paging {

constinit ProgramTables common_tables{boot_pml4, nullptr};
constinit std::uint64_t* program_root = boot_pml4;

bool add_tables(ProgramTables& tables) {
  const std::uint64_t entry = make_table();
  if (entry == 0) return false;
  tables.root = table_of(entry);
  // Nothing adds to the kernel's half after the boot: its slots' tables are all there.
  std::memcpy(tables.root + 1, boot_pml4 + 1, kPageSize - sizeof(std::uint64_t));
  tables.next = common_tables.next;
  common_tables.next = &tables;
  return true;
}

void store_top_entry(std::uint64_t& entry, std::uint64_t value) {
  const auto slot = static_cast<std::size_t>(&entry - program_root);
  if (slot == 0) {
    __atomic_store_n(&entry, value, __ATOMIC_RELEASE);
    return;
  }
  for (ProgramTables* tables = &common_tables; tables != nullptr; tables = tables->next) {
    __atomic_store_n(&tables->root[slot], value, __ATOMIC_RELEASE);
  }
}

void select_tables(ProgramTables& tables) { program_root = tables.root; }

std::uint64_t* loaded_root() {
  ProgramTables* tables = this_cpu().loaded_tables;
  return tables == nullptr ? boot_pml4 : tables->root;
}

ProgramTables& current_tables() {
  const InterruptGuard masked;
  ProgramTables* tables = this_cpu().application->tables;
  return tables == nullptr ? common_tables : *tables;
}

void load_tables(ProgramTables* tables) {
  PerCpu& here = this_cpu();
  if (here.loaded_tables == tables) return;
  here.loaded_tables = tables;
  write_cr3(to_physical(tables == nullptr ? boot_pml4 : tables->root).value);
}

void enter_tables(ProgramTables& tables) {
  const InterruptGuard masked;
  ProgramTables* const mine = &tables == &common_tables ? nullptr : &tables;
  this_cpu().application->tables = mine;
  load_tables(mine);
}

}  // namespace plumbline::paging
