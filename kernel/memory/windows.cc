#include "memory/windows.hh"

#include <algorithm>
#include <new>

#include "memory/address_space_state.hh"

namespace plumbline::address_space {

constinit Window common_window{{}, &paging::common_tables, 0, nullptr, {}};

Area* Areas::first_from(std::uint64_t address) const {
  if (address < kWindowEnd) {
    if (Area* area = window_->areas.first_from(address); area != nullptr) return area;
  }
  return shared_.first_from(address);
}

bool Areas::is_free(std::uint64_t begin, std::uint64_t end) const {
  const Area* area = first_from(begin);
  return area == nullptr || area->begin >= end;
}

void Areas::merge(std::uint64_t begin, std::uint64_t end, Area*& gone) {
  if (begin <= kWindowEnd) window_->areas.merge(begin, end, gone);
  if (end >= kWindowEnd) shared_.merge(begin, end, gone);
}

std::uint64_t Areas::find_gap(std::uint64_t length, std::uint64_t room, std::uint64_t alignment,
                              std::uint64_t bottom, std::uint64_t top) const {
  if (top <= kWindowEnd) return window_->areas.find_gap(length, room, alignment, bottom, top);
  return shared_.find_gap(length, room, alignment, std::max(bottom, kWindowEnd), top);
}

Window& current_window() {
  paging::ProgramTables& tables = paging::current_tables();
  for (Window* window = &common_window; window != nullptr; window = window->next) {
    if (window->tables == &tables) return *window;
  }
  return common_window;
}

Window& window_of(AddressOwner owner) {
  for (Window* window = common_window.next; window != nullptr; window = window->next) {
    if (window->owner == owner) return *window;
  }
  return common_window;
}

Status open_window(AddressOwner owner) {
  const StateGuard guard;
  for (Window* window = common_window.next; window != nullptr; window = window->next) {
    if (window->owner != 0 || window->areas.count() != 0) continue;
    window->owner = owner;
    return {};
  }
  auto* window = new (std::nothrow) Window;
  if (window == nullptr) return Errno::kENOMEM;
  if (!paging::add_tables(window->own_tables)) {
    delete window;
    return Errno::kENOMEM;
  }
  window->tables = &window->own_tables;
  window->owner = owner;
  window->next = common_window.next;
  common_window.next = window;
  return {};
}

void enter_window(AddressOwner owner) {
  const StateGuard guard;
  paging::enter_tables(*window_of(owner).tables);
}

}  // namespace plumbline::address_space
