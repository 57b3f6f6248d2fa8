// The code that replaces system call instructions: a jump at the site, and for each site a stub
// that carries out what the jump has covered and calls the kernel without a trap.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "linux/call.hh"
#include "linux/entry/object_layout.hh"
#include "linux/entry/site_list.hh"
#include "linux/entry/stub_places.hh"

namespace plumbline::linux_abi {

// A stub:
//   the window's instructions before `syscall`
//   lea next(%rip), %rcx      what `syscall` leaves in RCX
//   jmp *slot(%rip)           the call's own entry where the window says which call it is, else
//                             application_call (arch/x86_64/call_entry.S)
// next:
//   the window's instructions after it
//   jmp back, or ret where that is what stands there
// A call is made again by going on at the `lea`, 13 bytes before `next` (linux/signal/way_out.cc).

// Bytes of all stubs of a list with their slots, which come first; whole pages.
std::uint64_t stub_area_size(const SiteList& sites);

// The object's file, of which pages are wanted for changing.
class CodePages {
 public:
  // The private copy of the file's page with this index, made if need be; null: cannot be had.
  virtual std::byte* page(std::uint64_t index) = 0;

 protected:
  ~CodePages() = default;
};

struct StubCounts {
  unsigned replaced = 0;
  // Sites that are not as the list says: not in the code, no `syscall` there, out of reach.
  unsigned refused = 0;
};

// Fills `area` (zeroed, stub_area_size bytes), which will lie directly below the object's first
// page, and changes the sites in `pages`. Each slot gets one of `entries`; the first `replaced` of
// `places`, of which there are as many as sites, say where the stubs are.
StubCounts write_stubs(const SiteList& sites, const ObjectLayout& layout,
                       const CallEntries& entries, std::span<std::byte> area, CodePages& pages,
                       std::span<StubPlace> places);

}  // namespace plumbline::linux_abi
