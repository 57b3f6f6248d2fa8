#include "memory/anonymous_object.hh"

#include <algorithm>
#include <cstring>

#include "core/units.hh"
#include "memory/address_space.hh"

namespace plumbline {

Result<PhysicalAddress> AnonymousObject::page(std::uint64_t index, bool) {
  const LockGuard guard(store_lock_);
  // Looked at under the lock: a resize that has gone past drop_pages finds no page made afterwards.
  if (index >= align_up(size(), kPageSize) / kPageSize) return Errno::kEFAULT;
  void* page = store_.find_or_create(index);
  if (page == nullptr) return Errno::kENOMEM;
  return to_physical(page);
}

PhysicalAddress AnonymousObject::present_page(std::uint64_t index, bool) {
  const LockGuard guard(store_lock_);
  if (index >= align_up(size(), kPageSize) / kPageSize) return {};
  void* page = store_.find(index);
  return page == nullptr ? PhysicalAddress{} : to_physical(page);
}

void* AnonymousObject::find(std::uint64_t index) {
  const LockGuard guard(store_lock_);
  return store_.find(index);
}

void* AnonymousObject::find_or_create(std::uint64_t index) {
  const LockGuard guard(store_lock_);
  return store_.find_or_create(index);
}

bool AnonymousObject::lend(std::uint64_t index, void* page) {
  const LockGuard guard(store_lock_);
  return store_.lend(index, page);
}

void AnonymousObject::grow(std::uint64_t size) {
  // A mapping may have written behind the old end; the new bytes are zeros all the same.
  const std::uint64_t old = this->size();
  if (size <= old) return;
  clear(old, std::min(size, align_up(old, kPageSize)));
  size_.store(size, std::memory_order_release);
}

void AnonymousObject::resize(std::uint64_t size) {
  const std::uint64_t old = this->size();
  if (size >= old) {
    grow(size);
    return;
  }
  {
    const LockGuard guard(store_lock_);
    size_.store(size, std::memory_order_release);
  }
  drop_pages(align_up(size, kPageSize) / kPageSize, ~std::uint64_t{0},
             address_space::PrivateCopies::kGo);
  clear(size, align_up(size, kPageSize));
}

void AnonymousObject::punch_hole(std::uint64_t offset, std::uint64_t length) {
  const std::uint64_t end = std::min(offset + length, align_up(size(), kPageSize));
  if (offset >= end) return;
  const std::uint64_t first = align_up(offset, kPageSize), last = align_down(end, kPageSize);
  if (first >= last) {
    const std::uint64_t middle = std::min(first, end);
    clear(offset, middle);
    clear(middle, end);
    return;
  }
  clear(offset, first);
  drop_pages(first / kPageSize, last / kPageSize, address_space::PrivateCopies::kStay);
  clear(last, end);
}

// Zeroes bytes that lie in one page.
void AnonymousObject::clear(std::uint64_t offset, std::uint64_t end) {
  if (offset >= end) return;
  if (void* page = find(offset / kPageSize); page != nullptr) {
    std::memset(static_cast<std::byte*>(page) + offset % kPageSize, 0, end - offset);
  }
}

void AnonymousObject::drop_pages(std::uint64_t first, std::uint64_t end,
                                 address_space::PrivateCopies copies) {
  struct Range {
    AnonymousObject* object;
    std::uint64_t first, end;
  } range{this, first, end};
  // Freed while the address space is still locked: a fault in between would map a page again that
  // is about to go (a punched hole lies within the size).
  address_space::forget_object_pages(
      *this, first, end, copies,
      [](void* context) {
        const auto* r = static_cast<const Range*>(context);
        const LockGuard guard(r->object->store_lock_);
        r->object->store_.remove(r->first, r->end);
      },
      &range);
}

std::uint64_t AnonymousObject::next_page(std::uint64_t from, std::uint64_t end) {
  const LockGuard guard(store_lock_);
  return store_.next_page(from, end);
}

std::uint64_t AnonymousObject::next_hole(std::uint64_t from, std::uint64_t end) {
  const LockGuard guard(store_lock_);
  return store_.next_hole(from, end);
}

std::uint64_t AnonymousObject::page_count() {
  const LockGuard guard(store_lock_);
  return store_.count();
}

}  // namespace plumbline
