#include <new>
#include <utility>

#include "core/units.hh"
#include "fs/cpio/archive.hh"
#include "fs/path_walk.hh"
#include "fs/ramfs/ramfs.hh"

namespace plumbline {
namespace {

// Files with several names, by their number.
class LinkTable {
 public:
  LinkTable() = default;
  ~LinkTable() {
    for (Item* item : buckets_) {
      while (item != nullptr) delete std::exchange(item, item->next);
    }
  }
  LinkTable(const LinkTable&) = delete;
  LinkTable& operator=(const LinkTable&) = delete;

  Vnode* find(std::uint64_t number) const {
    for (const Item* item = buckets_[number % kBuckets]; item != nullptr; item = item->next) {
      if (item->number == number) return item->vnode.get();
    }
    return nullptr;
  }
  bool add(std::uint64_t number, Ref<Vnode> vnode) {
    Item*& first = buckets_[number % kBuckets];
    auto* const item = new (std::nothrow) Item{number, std::move(vnode), first};
    if (item == nullptr) return false;
    first = item;
    return true;
  }

 private:
  static constexpr std::size_t kBuckets = 61;
  struct Item {
    std::uint64_t number;
    Ref<Vnode> vnode;
    Item* next;
  };
  Item* buckets_[kBuckets] = {};
};

class Unpacker {
 public:
  Unpacker(const Ref<Vnode>& root, UnpackResult& result)
      : root_(root), directory_(root), result_(result) {}

  Status add(const ArchiveEntry& entry) {
    std::string_view name = entry.name;
    while (!name.empty() && name.back() == '/') name.remove_suffix(1);
    const std::size_t slash = name.rfind('/');
    const std::string_view above =
        slash == std::string_view::npos ? std::string_view() : name.substr(0, slash);
    name = slash == std::string_view::npos ? name : name.substr(slash + 1);
    ++result_.files;
    if (name.empty() || name == ".") return set_attributes(*root_, entry);
    if (name == "..") return Errno::kEINVAL;
    if (const Status status = enter(above); !status) return status;
    return make(name, entry);
  }

 private:
  // Finds the directory `path`. Archives list a directory's files together, so it is mostly the
  // one of the entry before.
  Status enter(std::string_view path) {
    if (path == directory_path_) return {};
    Ref<Vnode> at = root_;
    std::string_view rest = path;
    while (!rest.empty()) {
      const std::size_t end = rest.find('/');
      const std::string_view name = rest.substr(0, end);
      rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
      if (name.empty() || name == ".") continue;
      if (name == "..") return Errno::kEINVAL;
      Result<Ref<Vnode>> next = find_vnode(at, name, true);
      if (!next && next.error() == Errno::kENOENT)
        next = at->create(name, {.mode = kModeDirectory | 0755});
      if (!next) return next.error();
      at = std::move(*next);
    }
    if (!at->is_directory()) return Errno::kENOTDIR;
    directory_ = std::move(at);
    directory_path_ = path;
    return {};
  }

  Status make(std::string_view name, const ArchiveEntry& entry) {
    const std::uint32_t type = entry.mode & kModeTypeMask;
    const bool several = entry.links > 1 && type != kModeDirectory;
    if (several) {
      if (Vnode* const first = links_.find(entry.file_number); first != nullptr) {
        if (const Status status = remove_old(name); !status) return status;
        if (const Status status = directory_->link(name, *first); !status) return status;
        return entry.data.empty() ? Status() : fill(*first, entry);
      }
    }
    if (type == kModeDirectory) {
      if (const Result<Ref<Vnode>> there = directory_->lookup(name);
          there && (*there)->is_directory())
        return set_attributes(**there, entry);
    }
    if (const Status status = remove_old(name); !status) return status;
    NewNode node{entry.mode & (kModeTypeMask | 07777), entry.user, entry.group, entry.device};
    if (type == kModeSymbolicLink)
      node.target = {reinterpret_cast<const char*>(entry.data.data()), entry.data.size()};
    Result<Ref<Vnode>> made = directory_->create(name, node);
    if (!made) return made.error();
    if (type == kModeRegular) {
      if (const Status status = fill(**made, entry); !status) return status;
    }
    if (several && !links_.add(entry.file_number, *made)) return Errno::kENOMEM;
    return set_attributes(**made, entry);
  }

  Status remove_old(std::string_view name) {
    const Status status = directory_->remove(name, false);
    return status || status.error() == Errno::kENOENT ? Status() : status;
  }

  Status fill(Vnode& vnode, const ArchiveEntry& entry) {
    const bool aligned = reinterpret_cast<std::uintptr_t>(entry.data.data()) % kPageSize == 0;
    Attributes attributes;
    if (const Status status = vnode.attributes(attributes); !status) return status;
    // A second name that brings the data once more.
    if (attributes.size != 0) return {};
    if (const Status status = fill_memory_file(vnode, entry.data, aligned); !status) return status;
    const std::size_t lent = aligned ? align_down(entry.data.size(), kPageSize) : 0;
    result_.lent_bytes += lent;
    result_.copied_bytes += entry.data.size() - lent;
    return {};
  }

  static Status set_attributes(Vnode& vnode, const ArchiveEntry& entry) {
    AttributeChange change;
    change.set_mode = vnode.type() != kModeSymbolicLink;
    change.set_user = change.set_group = change.set_accessed = change.set_modified = true;
    change.mode = entry.mode & 07777;
    change.user = entry.user;
    change.group = entry.group;
    change.accessed.seconds = change.modified.seconds = entry.modified;
    return vnode.change(change);
  }

  const Ref<Vnode>& root_;
  Ref<Vnode> directory_;
  std::string_view directory_path_;  // in the archive
  LinkTable links_;
  UnpackResult& result_;
};

}  // namespace

Status unpack_archive(std::span<std::byte> archive, const Ref<Vnode>& root, UnpackResult& result) {
  ArchiveReader reader(archive);
  Unpacker unpacker(root, result);
  ArchiveEntry entry;
  for (;;) {
    const std::size_t offset = reader.offset();
    const Result<bool> found = reader.next(entry);
    if (!found) {
      result.error = reader.error();
      result.error_offset = reader.offset();
      return found.error();
    }
    if (!*found) return {};
    if (const Status status = unpacker.add(entry); !status) {
      result.error = status.error() == Errno::kENOMEM || status.error() == Errno::kENOSPC
                         ? "no memory for its files"
                         : "a file cannot be made where its name says";
      result.error_offset = offset;
      return status;
    }
  }
}

}  // namespace plumbline
