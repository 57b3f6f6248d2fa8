// The entries of a directory in memory: found by name through a hash index, listed in the order in
// which they were made.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/reference.hh"
#include "fs/name.hh"
#include "fs/vnode.hh"

namespace plumbline {

// Not synchronised for changes; see prepare_insert for how readers are kept apart cheaply. Small
// directories have no index.
class DirectoryTable {
 public:
  struct Entry {
    Name* name;  // null: removed
    Vnode* vnode;
    std::uint64_t cookie;  // grows along the table
    std::uint32_t hash;
  };

  DirectoryTable() = default;
  ~DirectoryTable();
  DirectoryTable(const DirectoryTable&) = delete;
  DirectoryTable& operator=(const DirectoryTable&) = delete;

  // The entry, or null. Valid until the next change.
  Entry* find(std::string_view name, std::uint32_t hash) const;
  // Live entries.
  std::size_t size() const { return live_; }

  // Makes room for one more entry. Readers may go on during the costly part; `lock` is held only
  // while the new arrays take the place of the old ones. False when memory is short.
  template <typename Lock>
  bool prepare_insert(Lock& lock) {
    if (used_ < capacity_) return true;
    Arrays fresh;
    if (!build_larger(fresh)) return false;
    lock.lock();
    swap(fresh);
    lock.unlock();
    release(fresh);
    return true;
  }
  // After prepare_insert; the name is not there. Takes over the references.
  void insert(Ref<Name> name, Ref<Vnode> vnode);
  // Gives the entry's references back to the caller.
  Ref<Vnode> remove(Entry& entry, Ref<Name>& name);

  // The first live entry with a cookie of at least `cookie`; null at the end.
  const Entry* at_or_after(std::uint64_t cookie) const;

  static constexpr std::uint64_t kFirstCookie = 2;  // 0 and 1 stand for "." and ".."

 private:
  static constexpr std::uint32_t kUnindexed = 8;

  struct Arrays {
    Entry* entries = nullptr;
    std::uint32_t* index = nullptr;  // positions + 1; 0: empty
    std::uint32_t capacity = 0, used = 0;
  };
  bool build_larger(Arrays& fresh) const;
  void swap(Arrays& fresh);
  static void release(Arrays& arrays);
  static void add_to_index(std::uint32_t* index, std::uint32_t mask, std::uint32_t hash,
                           std::uint32_t position);
  std::uint32_t mask() const { return capacity_ * 2 - 1; }

  Entry* entries_ = nullptr;
  std::uint32_t* index_ = nullptr;
  std::uint32_t capacity_ = 0;  // a power of two
  std::uint32_t used_ = 0;      // removed ones included
  std::uint32_t live_ = 0;
  std::uint64_t next_cookie_ = kFirstCookie;
};

}  // namespace plumbline
