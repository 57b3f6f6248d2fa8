// The vnodes of ramfs.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

#include "fs/pipe.hh"
#include "fs/ramfs/directory_table.hh"
#include "fs/ramfs/ramfs.hh"
#include "fs/vnode.hh"
#include "memory/anonymous_object.hh"
#include "sync/lock_guard.hh"
#include "sync/spinlock.hh"

namespace plumbline {

FileTime file_time_now();

// What all kinds have in common: the inode.
class RamVnode : public Vnode {
 public:
  RamVnode(Ramfs& ramfs, const NewNode& node);

  Ramfs& ramfs() const { return ramfs_; }
  std::uint64_t inode() const { return inode_; }
  Status attributes(Attributes& attributes) override;
  Status change(const AttributeChange& change) override;
  Result<Ref<File>> open(std::uint32_t flags) override;

  // Names that lead here. Changed under the change lock.
  std::uint32_t links() const { return links_.load(std::memory_order_relaxed); }
  void add_links(int count);

  void touch_modified();
  void touch_changed();
  // Like Linux's relatime: only when the time of the last access would lie behind a change.
  void touch_accessed();

  // Null for other file systems' vnodes.
  static RamVnode* of(Vnode& vnode);
  // Whether it has ever had several names: then its place may be another than the one asked for.
  std::atomic<bool> many_names{false};

 protected:
  Spinlock attribute_lock_;
  std::uint32_t mode_, user_, group_;
  FileTime accessed_, modified_, changed_;
  const FileTime created_;

 private:
  Ramfs& ramfs_;
  const std::uint64_t inode_;
  std::atomic<std::uint32_t> links_{0};
};

class RamDirectory final : public RamVnode {
 public:
  RamDirectory(Ramfs& ramfs, const NewNode& node) : RamVnode(ramfs, node) {}

  Result<Ref<Vnode>> lookup(std::string_view name) override;
  Result<Ref<Vnode>> create(std::string_view name, const NewNode& node) override;
  Result<Ref<Vnode>> create_unnamed(const NewNode& node) override;
  Status link(std::string_view name, Vnode& node) override;
  Status remove(std::string_view name, bool directory) override;
  Status rename(std::string_view name, Vnode& to, std::string_view new_name,
                std::uint32_t flags) override;
  Status read_directory(DirectorySink& sink, std::uint64_t& position) override;
  Status attributes(Attributes& attributes) override;

  // Takes out all entries, those of directories below first.
  void clear();
  std::size_t entry_count() {
    const LockGuard guard(table_lock_);
    return table_.size();
  }

 private:
  // What the functions above do under the change lock; watchers are told afterwards.
  Result<Ref<Vnode>> make_entry(std::string_view name, const NewNode& node);
  Result<Ref<Vnode>> remove_entry(std::string_view name, bool directory);
  Status move_entry(std::string_view name, RamDirectory& target, std::string_view new_name,
                    std::uint32_t flags, Ref<Vnode>& moved, Ref<Vnode>& replaced);
  // With the change lock. Checks that a name can be added.
  Status check_new_name(std::string_view name);
  Status add(Ref<Name> name, RamVnode& node);
  Ref<Vnode> take_out(DirectoryTable::Entry& entry);
  Status check_rename(RamVnode& moved, RamDirectory& target, RamVnode* victim, std::uint32_t flags);
  void exchange(DirectoryTable::Entry& mine, RamDirectory& target, DirectoryTable::Entry& theirs);
  bool is_below(const Vnode& ancestor) const;

  // Changes happen under the change lock and this one; readers need only this one.
  Spinlock table_lock_;
  DirectoryTable table_;
};

class RamRegular final : public RamVnode {
 public:
  RamRegular(Ramfs& ramfs, const NewNode& node) : RamVnode(ramfs, node), content_(*this) {}

  Result<Ref<File>> open(std::uint32_t flags) override;
  Status attributes(Attributes& attributes) override;
  Status truncate(std::uint64_t size) override;

  Result<std::size_t> read(IoCursor& to, std::uint64_t offset);
  // `offset` becomes the end first when `append`.
  Result<std::size_t> write(IoCursor& from, std::uint64_t& offset, bool append);
  Result<std::uint64_t> seek_data(std::uint64_t from, bool hole);
  Status allocate(int mode, std::uint64_t offset, std::uint64_t length);
  AnonymousObject& content() { return content_; }

  std::atomic<std::uint32_t> seals{kSealSeal};

 private:
  // Lives within the vnode, and keeps it: mappings outlive names and descriptors.
  class Content final : public AnonymousObject {
   public:
    explicit Content(RamRegular& node) : node_(node) {}
    std::size_t describe(std::span<char> text) const override;
    std::uint64_t inode() const override { return node_.inode(); }

   private:
    void destroy() override { delete &node_; }
    RamRegular& node_;
  };

  // The vnode's last reference is gone, a mapping's perhaps not.
  void destroy() override { content_.release(); }

  Content content_;
};

class RamLink final : public RamVnode {
 public:
  RamLink(Ramfs& ramfs, const NewNode& node, Ref<Name> target)
      : RamVnode(ramfs, node), target_(std::move(target)) {}
  std::string_view link_text() const override { return target_->text(); }
  Status attributes(Attributes& attributes) override;

 private:
  const Ref<Name> target_;
};

// Devices, FIFOs and sockets.
class RamSpecial final : public RamVnode {
 public:
  RamSpecial(Ramfs& ramfs, const NewNode& node) : RamVnode(ramfs, node), device_(node.device) {}
  Result<Ref<File>> open(std::uint32_t flags) override;
  Status attributes(Attributes& attributes) override;

 private:
  Result<Ref<File>> open_fifo(std::uint32_t flags);

  const std::uint64_t device_;
  Mutex pipe_lock_;
  Ref<Pipe> pipe_;  // of a FIFO, once it has been opened
};

}  // namespace plumbline
