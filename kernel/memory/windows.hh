// Low addresses that a program has for itself. For address_space*.cc only.
//
// There is one address space, and most programs can be placed anywhere in it. Some cannot: they are
// linked to low addresses (Debian's python3), and when another program is there already, the one
// that comes gets a window: addresses below kWindowEnd with areas and page tables of its own.
#pragma once

#include "arch/x86_64/program_tables.hh"
#include "memory/area_tree.hh"

namespace plumbline::address_space {

// The common one's tables are paging::common_tables; the others are made when they are needed, and
// used again when their owner has ended.
struct Window {
  AreaTree areas;
  paging::ProgramTables* tables = nullptr;
  AddressOwner owner = 0;
  Window* next = nullptr;
  paging::ProgramTables own_tables;
};

// The areas of a window and, above it, those that all programs share: as AreaTree, for the window
// that has been chosen. No area lies in both.
class Areas {
 public:
  Area* find(std::uint64_t address) const { return tree_of(address).find(address); }
  Area* first_from(std::uint64_t address) const;
  Area* next(const Area& area) const { return first_from(area.end); }
  bool is_free(std::uint64_t begin, std::uint64_t end) const;
  void insert(Area* area) { tree_of(area->begin).insert(area); }
  void remove(Area* area) { tree_of(area->begin).remove(area); }
  void resize(Area* area, std::uint64_t begin, std::uint64_t end) {
    tree_of(area->begin).resize(area, begin, end);
  }
  bool split(std::uint64_t address) { return tree_of(address).split(address); }
  void merge(std::uint64_t begin, std::uint64_t end, Area*& gone);
  // The highest free place below `top`: among the shared addresses, or in the window when `top`
  // lies there.
  std::uint64_t find_gap(std::uint64_t length, std::uint64_t room, std::uint64_t alignment,
                         std::uint64_t bottom, std::uint64_t top) const;
  std::size_t count() const { return window_->areas.count() + shared_.count(); }

  // Chooses the window that all of these, and the page tables' functions, are about.
  void choose(Window& window) {
    window_ = &window;
    paging::select_tables(*window.tables);
  }
  Window& window() const { return *window_; }
  AreaTree& shared() { return shared_; }

 private:
  const AreaTree& tree_of(std::uint64_t address) const {
    return address < kWindowEnd ? window_->areas : shared_;
  }
  AreaTree& tree_of(std::uint64_t address) {
    return address < kWindowEnd ? window_->areas : shared_;
  }

  Window* window_ = nullptr;
  AreaTree shared_;
};

// True for a range that would lie in a window and above it.
constexpr bool crosses_window(std::uint64_t begin, std::uint64_t end) {
  return begin < kWindowEnd && end > kWindowEnd;
}

// The list of all windows begins with the common one. With the lock.
extern Window common_window;
// The window of the running thread.
Window& current_window();
// The one of `owner`: its own, or the common one.
Window& window_of(AddressOwner owner);

}  // namespace plumbline::address_space
