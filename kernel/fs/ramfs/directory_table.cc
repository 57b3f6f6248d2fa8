#include "fs/ramfs/directory_table.hh"

#include <algorithm>
#include <new>
#include <utility>

namespace plumbline {

DirectoryTable::~DirectoryTable() {
  for (std::uint32_t i = 0; i < used_; ++i) {
    if (entries_[i].name == nullptr) continue;
    entries_[i].name->release();
    entries_[i].vnode->release();
  }
  delete[] entries_;
  delete[] index_;
}

DirectoryTable::Entry* DirectoryTable::find(std::string_view name, std::uint32_t hash) const {
  const auto matches = [&](const Entry& entry) {
    return entry.hash == hash && entry.name != nullptr && entry.name->text() == name;
  };
  if (index_ == nullptr) {
    for (std::uint32_t i = 0; i < used_; ++i) {
      if (matches(entries_[i])) return &entries_[i];
    }
    return nullptr;
  }
  for (std::uint32_t slot = hash & mask();; slot = (slot + 1) & mask()) {
    // There is always an empty slot: the index is twice as large as the table.
    if (index_[slot] == 0) return nullptr;
    Entry& entry = entries_[index_[slot] - 1];
    if (matches(entry)) return &entry;
  }
}

void DirectoryTable::add_to_index(std::uint32_t* index, std::uint32_t mask, std::uint32_t hash,
                                  std::uint32_t position) {
  std::uint32_t slot = hash & mask;
  while (index[slot] != 0) slot = (slot + 1) & mask;
  index[slot] = position + 1;
}

bool DirectoryTable::build_larger(Arrays& fresh) const {
  // Removed entries are left out, so a table with many of them need not grow.
  fresh.capacity = std::max<std::uint32_t>(kUnindexed, capacity_);
  while (fresh.capacity < live_ + live_ / 2 + 1) fresh.capacity *= 2;
  if (fresh.capacity == 0) return false;
  fresh.entries = new (std::nothrow) Entry[fresh.capacity];
  if (fresh.entries == nullptr) return false;
  if (fresh.capacity > kUnindexed) {
    fresh.index = new (std::nothrow) std::uint32_t[fresh.capacity * 2]();
    if (fresh.index == nullptr) {
      release(fresh);
      return false;
    }
  }
  for (std::uint32_t i = 0; i < used_; ++i) {
    if (entries_[i].name == nullptr) continue;
    if (fresh.index != nullptr)
      add_to_index(fresh.index, fresh.capacity * 2 - 1, entries_[i].hash, fresh.used);
    fresh.entries[fresh.used++] = entries_[i];
  }
  return true;
}

void DirectoryTable::swap(Arrays& fresh) {
  std::swap(entries_, fresh.entries);
  std::swap(index_, fresh.index);
  std::swap(capacity_, fresh.capacity);
  std::swap(used_, fresh.used);
}

void DirectoryTable::release(Arrays& arrays) {
  delete[] arrays.entries;
  delete[] arrays.index;
}

void DirectoryTable::insert(Ref<Name> name, Ref<Vnode> vnode) {
  const std::uint32_t hash = name->hash();
  entries_[used_] = {name.leak(), vnode.leak(), next_cookie_++, hash};
  if (index_ != nullptr) add_to_index(index_, mask(), hash, used_);
  ++used_;
  ++live_;
}

Ref<Vnode> DirectoryTable::remove(Entry& entry, Ref<Name>& name) {
  name = Ref<Name>::adopt(std::exchange(entry.name, nullptr));
  --live_;
  return Ref<Vnode>::adopt(std::exchange(entry.vnode, nullptr));
}

const DirectoryTable::Entry* DirectoryTable::at_or_after(std::uint64_t cookie) const {
  const Entry* const end = entries_ + used_;
  const Entry* entry = std::lower_bound(
      entries_, entries_ + used_, cookie,
      [](const Entry& candidate, std::uint64_t wanted) { return candidate.cookie < wanted; });
  while (entry != end && entry->name == nullptr) ++entry;
  return entry == end ? nullptr : entry;
}

}  // namespace plumbline
