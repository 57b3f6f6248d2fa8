#include <utility>

#include "fs/inotify.hh"
#include "fs/ramfs/nodes.hh"

namespace plumbline {
namespace {

constexpr std::uint32_t kSetGroup = 02000;

// A new file of any kind, without a name yet.
Result<Ref<RamVnode>> make_node(Ramfs& ramfs, const NewNode& node) {
  RamVnode* made = nullptr;
  switch (node.mode & kModeTypeMask) {
    case kModeDirectory:
      made = new (std::nothrow) RamDirectory(ramfs, node);
      break;
    case kModeRegular:
      made = new (std::nothrow) RamRegular(ramfs, node);
      break;
    case kModeSymbolicLink: {
      if (node.target.empty()) return Errno::kENOENT;
      if (node.target.size() >= kLongestPath) return Errno::kENAMETOOLONG;
      Ref<Name> target = Name::create(node.target);
      if (target) made = new (std::nothrow) RamLink(ramfs, node, std::move(target));
      break;
    }
    case kModeFifo:
    case kModeSocket:
    case kModeCharacterDevice:
    case kModeBlockDevice:
      made = new (std::nothrow) RamSpecial(ramfs, node);
      break;
    default:
      return Errno::kEINVAL;
  }
  if (made == nullptr) return Errno::kENOMEM;
  return Ref<RamVnode>::adopt(made);
}

}  // namespace

Result<Ref<Vnode>> RamDirectory::lookup(std::string_view name) {
  if (name.size() > kLongestName) return Errno::kENAMETOOLONG;
  const std::uint32_t hash = hash_name(name);
  Ref<Vnode> found;
  Ref<Name> found_name;
  {
    const LockGuard guard(table_lock_);
    const DirectoryTable::Entry* const entry = table_.find(name, hash);
    if (entry == nullptr) return Errno::kENOENT;
    found = Ref<Vnode>::share(entry->vnode);
    if (!static_cast<RamVnode*>(entry->vnode)->many_names.load(std::memory_order_relaxed))
      return found;
    found_name = Ref<Name>::share(entry->name);
  }
  if (found->name() != found_name) found->set_place(Ref<Vnode>::share(this), found_name);
  return found;
}

Status RamDirectory::check_new_name(std::string_view name) {
  if (name.size() > kLongestName) return Errno::kENAMETOOLONG;
  if (links() == 0) return Errno::kENOENT;  // it has been removed itself
  if (table_.find(name, hash_name(name)) != nullptr) return Errno::kEEXIST;
  return {};
}

// Everything that can fail comes before the first change.
Status RamDirectory::add(Ref<Name> name, RamVnode& node) {
  if (!table_.prepare_insert(table_lock_)) return Errno::kENOSPC;
  node.set_place(Ref<Vnode>::share(this), name);
  const LockGuard guard(table_lock_);
  table_.insert(std::move(name), Ref<Vnode>::share(&node));
  return {};
}

Ref<Vnode> RamDirectory::take_out(DirectoryTable::Entry& entry) {
  Ref<Name> name;
  Ref<Vnode> vnode;
  {
    const LockGuard guard(table_lock_);
    vnode = table_.remove(entry, name);
  }
  if (vnode->name() == name) vnode->set_removed();
  return vnode;
}

Result<Ref<Vnode>> RamDirectory::create(std::string_view name, const NewNode& node) {
  Result<Ref<Vnode>> made = make_entry(name, node);
  // Outside of the change lock.
  if (made) inotify::tell_entry(*this, kInCreate, name, (*made)->is_directory());
  return made;
}

Result<Ref<Vnode>> RamDirectory::make_entry(std::string_view name, const NewNode& request) {
  NewNode node = request;
  {
    const LockGuard guard(attribute_lock_);
    if ((mode_ & kSetGroup) != 0) {
      node.group = group_;
      if ((node.mode & kModeTypeMask) == kModeDirectory) node.mode |= kSetGroup;
    }
  }
  const LockGuard guard(ramfs().change_lock);
  if (const Status status = check_new_name(name); !status) return status.error();
  Result<Ref<RamVnode>> made = make_node(ramfs(), node);
  if (!made) return made.error();
  Ref<Name> shared_name = Name::create(name);
  if (!shared_name) return Errno::kENOMEM;
  if (const Status status = add(std::move(shared_name), **made); !status) return status.error();
  (*made)->add_links((*made)->is_directory() ? 2 : 1);
  if ((*made)->is_directory()) add_links(1);
  touch_modified();
  return Ref<Vnode>(std::move(*made));
}

Result<Ref<Vnode>> RamDirectory::create_unnamed(const NewNode& node) {
  Result<Ref<RamVnode>> made = make_node(ramfs(), node);
  if (!made) return made.error();
  // For /proc/self/fd: Linux shows a number, too.
  (*made)->set_place(Ref<Vnode>::share(this), Name::create("#tmpfile"));
  (*made)->set_removed();
  return Ref<Vnode>(std::move(*made));
}

Status RamDirectory::link(std::string_view name, Vnode& vnode) {
  RamVnode* const node = RamVnode::of(vnode);
  if (node == nullptr || &node->ramfs() != &ramfs()) return Errno::kEXDEV;
  if (node->is_directory()) return Errno::kEPERM;
  {
    const LockGuard guard(ramfs().change_lock);
    if (const Status status = check_new_name(name); !status) return status;
    Ref<Name> shared_name = Name::create(name);
    if (!shared_name) return Errno::kENOMEM;
    node->many_names.store(true, std::memory_order_relaxed);
    if (const Status status = add(std::move(shared_name), *node); !status) return status;
    node->add_links(1);
    node->touch_changed();
    touch_modified();
  }
  inotify::tell_self(*node, kInAttributes);
  inotify::tell_entry(*this, kInCreate, name, false);
  return {};
}

Result<Ref<Vnode>> RamDirectory::remove_entry(std::string_view name, bool directory) {
  const LockGuard guard(ramfs().change_lock);
  DirectoryTable::Entry* const entry = table_.find(name, hash_name(name));
  if (entry == nullptr) return Errno::kENOENT;
  auto& node = static_cast<RamVnode&>(*entry->vnode);
  if (directory) {
    if (!node.is_directory()) return Errno::kENOTDIR;
    if (node.mounted() != nullptr) return Errno::kEBUSY;
    if (static_cast<RamDirectory&>(node).entry_count() != 0) return Errno::kENOTEMPTY;
  } else if (node.is_directory()) {
    return Errno::kEISDIR;
  }
  Ref<Vnode> removed = take_out(*entry);
  node.add_links(directory ? -2 : -1);
  node.touch_changed();
  if (directory) add_links(-1);
  touch_modified();
  return removed;
}

Status RamDirectory::remove(std::string_view name, bool directory) {
  if (name.size() > kLongestName) return Errno::kENAMETOOLONG;
  Result<Ref<Vnode>> removed = remove_entry(name, directory);
  if (!removed) return removed.error();
  if (!directory) inotify::tell_self(**removed, kInAttributes);
  // The file's end, if this was its last name, is told before the directory's change.
  *removed = nullptr;
  inotify::tell_entry(*this, kInDelete, name, directory);
  return {};
}

Status RamDirectory::read_directory(DirectorySink& sink, std::uint64_t& position) {
  touch_accessed();
  if (position == 0) {
    if (!sink.add(".", inode(), kModeDirectory, 1)) return {};
    position = 1;
  }
  if (position == 1) {
    std::uint64_t above = inode();
    if (const Ref<Vnode> up = parent(); up) above = static_cast<RamVnode*>(up.get())->inode();
    if (!sink.add("..", above, kModeDirectory, DirectoryTable::kFirstCookie)) return {};
    position = DirectoryTable::kFirstCookie;
  }
  // Against changes; lookups go on meanwhile. The sink may sleep.
  const LockGuard guard(ramfs().change_lock);
  while (const DirectoryTable::Entry* const entry = table_.at_or_after(position)) {
    const auto& node = static_cast<RamVnode&>(*entry->vnode);
    if (!sink.add(entry->name->text(), node.inode(), node.type(), entry->cookie + 1)) break;
    position = entry->cookie + 1;
  }
  return {};
}

Status RamDirectory::attributes(Attributes& attributes) {
  (void)RamVnode::attributes(attributes);
  // Linux's tmpfs counts 20 bytes an entry, "." and ".." included.
  attributes.size = (entry_count() + 2) * 20;
  return {};
}

void RamDirectory::clear() {
  while (const DirectoryTable::Entry* const entry = table_.at_or_after(0)) {
    if (entry->vnode->is_directory()) static_cast<RamDirectory*>(entry->vnode)->clear();
    Ref<Vnode> gone = take_out(*const_cast<DirectoryTable::Entry*>(entry));
    gone->set_place(nullptr, nullptr);
  }
}

}  // namespace plumbline
