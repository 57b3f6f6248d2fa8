// Page tables of the lower half, where programs live. One thread at a time changes them (the
// address space's lock); CPUs walk them at any moment, and so does program_page.
#pragma once

#include <cstddef>
#include <cstdint>

#include "arch/x86_64/paging.hh"
#include "memory/address.hh"

namespace plumbline::paging {

// What a program may do with a page. Without `access` the page stays in its entry, not present.
struct Rights {
  bool access = true;
  bool write = false;
  bool execute = false;
};

// Whose page it is.
enum class PageOwner : std::uint8_t {
  kMapping,       // given back when the mapping goes
  kObject,        // an object's, seen privately: never writable, a write makes a copy
  kSharedObject,  // an object's, and writes go there
};

// What an address is mapped to.
struct ProgramPage {
  PhysicalAddress page;  // the first byte of the 4 KiB page, or of the 2 MiB block
  bool exists = false;   // the rest means nothing otherwise
  bool large = false;
  Rights rights;
  PageOwner owner = PageOwner::kMapping;
};

// Changes that must reach all TLBs before what they took away is used again: it collects what is
// to be freed, and commit() flushes, waits for the other CPUs and frees. Commits by itself when
// full. The caller of commit, and of all that takes a Changes, holds no spinlock and is not masked:
// another CPU may wait for just that before it answers.
class Changes {
 public:
  constexpr Changes() = default;
  Changes(const Changes&) = delete;
  Changes& operator=(const Changes&) = delete;

  // A translation in [begin, end) was taken away or narrowed.
  void note(std::uint64_t begin, std::uint64_t end);
  // Only widened: this CPU alone forgets what it knows, others fault once and find it allowed.
  void note_wider(std::uint64_t begin, std::uint64_t end);
  // Frees 2^order pages, once nobody can reach them.
  void free_later(PhysicalAddress page, unsigned order);
  // The same for a page table.
  void free_table_later(PhysicalAddress table);
  void commit();

 private:
  static constexpr unsigned kMost = 512;
  std::uint64_t begin_ = ~std::uint64_t{0}, end_ = 0;
  bool everywhere_ = false, tables_ = false;
  unsigned count_ = 0;
  // Pages are aligned, so the order fits into the low bits.
  std::uint64_t blocks_[kMost] = {};
};

// The page allocator, which is a layer above.
struct PageFunctions {
  // Frees a block of 2^order pages.
  void (*release)(PhysicalAddress page, unsigned order);
  // Makes it single pages, to be freed each on its own.
  void (*split)(PhysicalAddress page, unsigned order);
};
// Once, at boot, before there is a program.
void initialise_programs(const PageFunctions& functions);

// Every CPU takes an interrupt, and thereby passes a barrier, before this returns. As Changes.
void synchronise_cpus();

// For the scheduler, masked: between the two this CPU runs its idle thread, which touches no
// program's memory and is not interrupted for flushes.
void begin_idling();
void end_idling();

// What the selected tables map (program_tables.hh). With the address space's lock.
ProgramPage program_page(VirtualAddress address);
// What this CPU sees, without a lock, for anybody who is masked: tables are freed only after every
// CPU has answered an interrupt.
ProgramPage visible_page(VirtualAddress address);

// Maps a page of 4 KiB, or a block of 2 MiB (which belongs to the mapping), where nothing is. False
// without memory for a table.
bool map_program_page(VirtualAddress address, PhysicalAddress page, Rights rights, PageOwner owner);
bool map_program_block(VirtualAddress address, PhysicalAddress block, Rights rights);
// True when a block of 2 MiB can be mapped here: nothing is, not even a table.
bool has_room_for_block(VirtualAddress address);
// Puts another page, or other rights, in the place of a page of 4 KiB; the old one is not freed.
void replace_program_page(VirtualAddress address, PhysicalAddress page, Rights rights,
                          PageOwner owner, Changes& changes);

// Makes sure that no block of 2 MiB spans `address`, a page's: such a block becomes pages. False
// without memory for a table.
bool split_block_at(VirtualAddress address, Changes& changes);
// The following take ranges whose ends split no block.
// kAll frees empty tables too, also those that were made, or left empty, by others. Where the range
// stays in use kThatLostPages will do: looking through a whole table takes longer than most ranges.
enum class Tables : std::uint8_t { kAll, kThatLostPages };
void unmap_range(std::uint64_t begin, std::uint64_t end, Changes& changes,
                 Tables tables = Tables::kAll);
void protect_range(std::uint64_t begin, std::uint64_t end, Rights rights, Changes& changes);
// Moves what is mapped to another range, where nothing is. Blocks stay blocks when both addresses
// are congruent modulo 2 MiB. False without memory for tables: part has been moved, the rest is
// where it was, and moving back what was moved needs none.
bool move_range(std::uint64_t from, std::uint64_t to, std::uint64_t length, Changes& changes);
// Pages of 4 KiB that are there.
std::uint64_t count_range(std::uint64_t begin, std::uint64_t end);
// One byte a page: 1 when it is there.
void residency_of_range(std::uint64_t begin, std::uint64_t end, unsigned char* bytes);

}  // namespace plumbline::paging
