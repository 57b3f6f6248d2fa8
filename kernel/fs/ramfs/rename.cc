// Renaming in ramfs. The change lock makes it one step for all who change names; lookups find the
// old name, the new one, or for a moment both.
#include <utility>

#include "fs/inotify.hh"
#include "fs/ramfs/nodes.hh"

namespace plumbline {

bool RamDirectory::is_below(const Vnode& ancestor) const {
  Ref<Vnode> above = Ref<Vnode>::share(const_cast<RamDirectory*>(this));
  for (; above; above = above->parent()) {
    if (above.get() == &ancestor) return true;
  }
  return false;
}

Status RamDirectory::check_rename(RamVnode& moved, RamDirectory& target, RamVnode* victim,
                                  std::uint32_t flags) {
  const bool exchanged = (flags & kRenameExchange) != 0;
  // A directory below itself would be cut off from the tree.
  if (moved.is_directory() && target.is_below(moved)) return Errno::kEINVAL;
  if (moved.mounted() != nullptr) return Errno::kEBUSY;
  if (victim == nullptr) return exchanged ? Status(Errno::kENOENT) : Status();
  if ((flags & kRenameNoReplace) != 0) return Errno::kEEXIST;
  if (victim->mounted() != nullptr) return Errno::kEBUSY;
  if (exchanged)
    return victim->is_directory() && is_below(*victim) ? Status(Errno::kEINVAL) : Status();
  // What replaces what holds it: the directory is not empty.
  if (victim->is_directory() && is_below(*victim)) return Errno::kENOTEMPTY;
  if (moved.is_directory()) {
    if (!victim->is_directory()) return Errno::kENOTDIR;
    if (static_cast<RamDirectory*>(victim)->entry_count() != 0) return Errno::kENOTEMPTY;
  } else if (victim->is_directory()) {
    return Errno::kEISDIR;
  }
  return {};
}

void RamDirectory::exchange(DirectoryTable::Entry& mine, RamDirectory& target,
                            DirectoryTable::Entry& theirs) {
  auto& first = static_cast<RamVnode&>(*mine.vnode);
  auto& second = static_cast<RamVnode&>(*theirs.vnode);
  {
    // Only here are two tables locked at once, and the change lock is held: no order is needed.
    const LockGuard guard(table_lock_);
    if (&target != this) target.table_lock_.lock();
    std::swap(mine.vnode, theirs.vnode);
    if (&target != this) target.table_lock_.unlock();
  }
  first.set_place(Ref<Vnode>::share(&target), Ref<Name>::share(theirs.name));
  second.set_place(Ref<Vnode>::share(this), Ref<Name>::share(mine.name));
  if (first.is_directory() != second.is_directory()) {
    const int moved = first.is_directory() ? 1 : -1;
    add_links(-moved);
    target.add_links(moved);
  }
  first.touch_changed();
  second.touch_changed();
}

Status RamDirectory::move_entry(std::string_view name, RamDirectory& target,
                                std::string_view new_name, std::uint32_t flags, Ref<Vnode>& moved,
                                Ref<Vnode>& replaced) {
  const LockGuard guard(ramfs().change_lock);
  DirectoryTable::Entry* mine = table_.find(name, hash_name(name));
  if (mine == nullptr) return Errno::kENOENT;
  if (target.links() == 0) return Errno::kENOENT;
  auto& node = static_cast<RamVnode&>(*mine->vnode);
  DirectoryTable::Entry* theirs = target.table_.find(new_name, hash_name(new_name));
  auto* const victim = theirs != nullptr ? static_cast<RamVnode*>(theirs->vnode) : nullptr;
  // Two names of one file: nothing happens (POSIX).
  if (victim == &node && (flags & kRenameNoReplace) == 0) return {};
  if (const Status status = check_rename(node, target, victim, flags); !status) return status;
  if ((flags & kRenameExchange) != 0) {
    moved = Ref<Vnode>::share(&node);
    replaced = Ref<Vnode>::share(victim);
    exchange(*mine, target, *theirs);
  } else {
    Ref<Name> shared_name;
    if (victim == nullptr) {
      shared_name = Name::create(new_name);
      if (!shared_name || !target.table_.prepare_insert(target.table_lock_)) return Errno::kENOSPC;
      // The table may have moved.
      mine = table_.find(name, hash_name(name));
    }
    // The new name before the old one goes: a lookup finds at least one of them.
    moved = Ref<Vnode>::share(&node);
    if (victim == nullptr) {
      {
        const LockGuard table_guard(target.table_lock_);
        target.table_.insert(shared_name, moved);
      }
      moved->set_place(Ref<Vnode>::share(&target), std::move(shared_name));
    } else {
      if (victim->name().get() == theirs->name) victim->set_removed();
      {
        const LockGuard table_guard(target.table_lock_);
        replaced = Ref<Vnode>::adopt(std::exchange(theirs->vnode, Ref<Vnode>(moved).leak()));
      }
      moved->set_place(Ref<Vnode>::share(&target), Ref<Name>::share(theirs->name));
      victim->add_links(victim->is_directory() ? -2 : -1);
      victim->touch_changed();
      if (victim->is_directory()) target.add_links(-1);
    }
    (void)take_out(*mine);
    if (node.is_directory()) {
      add_links(-1);
      target.add_links(1);
    }
    node.touch_changed();
  }
  touch_modified();
  if (&target != this) target.touch_modified();
  return {};
}

Status RamDirectory::rename(std::string_view name, Vnode& to, std::string_view new_name,
                            std::uint32_t flags) {
  RamVnode* const to_node = RamVnode::of(to);
  if (to_node == nullptr || &to_node->ramfs() != &ramfs()) return Errno::kEXDEV;
  if (!to_node->is_directory()) return Errno::kENOTDIR;
  auto& target = static_cast<RamDirectory&>(*to_node);
  if (name.size() > kLongestName || new_name.size() > kLongestName) return Errno::kENAMETOOLONG;
  Ref<Vnode> moved, replaced;
  const Status status = move_entry(name, target, new_name, flags, moved, replaced);
  if (!status || !moved || !inotify::watched()) return status;
  const auto tell = [](Vnode& node, RamDirectory& old_place, std::string_view old_name,
                       RamDirectory& new_place, std::string_view now) {
    const std::uint32_t cookie = inotify::next_cookie();
    inotify::tell_entry(old_place, kInMovedFrom, old_name, node.is_directory(), cookie);
    inotify::tell_entry(new_place, kInMovedTo, now, node.is_directory(), cookie);
  };
  tell(*moved, *this, name, target, new_name);
  const bool exchanged = (flags & kRenameExchange) != 0;
  if (replaced && !exchanged) inotify::tell_self(*replaced, kInAttributes);
  inotify::tell_self(*moved, kInMoveSelf);
  if (replaced && exchanged) {
    tell(*replaced, target, new_name, *this, name);
    inotify::tell_self(*replaced, kInMoveSelf);
  }
  return {};
}

}  // namespace plumbline
