// A file in a file system, open or not: what a path leads to.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/reference.hh"
#include "core/result.hh"
#include "fs/attributes.hh"
#include "fs/name.hh"

namespace plumbline {

class File;
class FileLocks;
class FileSystem;

// What to make in a directory: mknod, mkdir, symlink and open with O_CREAT alike.
struct NewNode {
  std::uint32_t mode = 0;  // type and permissions, umask applied
  std::uint32_t user = 0, group = 0;
  std::uint64_t device = 0;      // of a device file
  std::string_view target = {};  // of a symbolic link
};

// What chmod, chown and utimensat change; the rest stays.
struct AttributeChange {
  bool set_mode = false, set_user = false, set_group = false;
  bool set_accessed = false, set_modified = false;
  std::uint32_t mode = 0;  // permissions only
  std::uint32_t user = 0, group = 0;
  FileTime accessed, modified;
};

// Flags of renameat2(2).
inline constexpr std::uint32_t kRenameNoReplace = 1, kRenameExchange = 2;

// Takes the entries of a directory, for getdents64.
class DirectorySink {
 public:
  // `type` as in a mode (kModeDirectory...), `next` the position of the entry after this one.
  // False: no room, the entry was not taken.
  virtual bool add(std::string_view name, std::uint64_t inode, std::uint32_t type,
                   std::uint64_t next) = 0;

 protected:
  ~DirectorySink() = default;
};

// A vnode lives as long as somebody refers to it: its directory's entry, an open file, a walk.
// Names given to the functions are single components, neither empty nor "." nor "..", and
// directories answer kENAMETOOLONG to those longer than kLongestName. Functions may sleep and may
// be called by several threads at once. Permissions are the callers' business.
class Vnode : public ReferenceCounted {
 public:
  // `type`: kModeRegular and so on.
  Vnode(FileSystem& file_system, std::uint32_t type) : file_system_(file_system), type_(type) {}

  FileSystem& file_system() const { return file_system_; }
  std::uint32_t type() const { return type_; }
  bool is_directory() const { return type_ == kModeDirectory; }

  // Directories. Mounted file systems and ".." are the walk's business, not lookup's.
  virtual Result<Ref<Vnode>> lookup(std::string_view name);
  // kEEXIST, kENOSPC, kEROFS or kEPERM where nothing can be made.
  virtual Result<Ref<Vnode>> create(std::string_view name, const NewNode& node);
  // A regular file without a name (O_TMPFILE). kEOPNOTSUPP.
  virtual Result<Ref<Vnode>> create_unnamed(const NewNode& node);
  // A further name for `node`, of the same file system.
  virtual Status link(std::string_view name, Vnode& node);
  // unlink (kEISDIR for directories) or rmdir (kENOTDIR for others, kENOTEMPTY).
  virtual Status remove(std::string_view name, bool directory);
  // `to` is a directory of the same file system.
  virtual Status rename(std::string_view name, Vnode& to, std::string_view new_name,
                        std::uint32_t flags);
  // Entries from `position` on (0: the first), which it advances; "." and ".." included.
  virtual Status read_directory(DirectorySink& sink, std::uint64_t& position);

  // Symbolic links. The text's length, cut to fit.
  virtual Result<std::size_t> read_link(std::span<char> text);
  // The text when it never changes while the vnode lives, else empty: saves the walk a copy.
  virtual std::string_view link_text() const { return {}; }
  // What the link leads to when that is no path (/proc/self/exe, /proc/self/fd/3); null otherwise.
  virtual Result<Ref<Vnode>> magic_target() { return Ref<Vnode>(); }

  // Opens it: flags of open(2), of which creation and truncation have been dealt with.
  virtual Result<Ref<File>> open(std::uint32_t flags) = 0;
  virtual Status attributes(Attributes& attributes) = 0;
  virtual Status change(const AttributeChange& change);
  virtual Status truncate(std::uint64_t size);

  // Where it stands in the tree. A file with several names has the one it was last found by.
  Ref<Vnode> parent() const;
  Ref<Name> name() const;
  void set_place(Ref<Vnode> parent, Ref<Name> name);
  // Its (last) name has been removed; where it stood stays known.
  void set_removed();
  bool removed() const;
  // Writes the path from the root, and " (deleted)" behind that of a removed file; returns its
  // length. kENAMETOOLONG.
  Result<std::size_t> path(std::span<char> text) const;

  // The root of what is mounted on this directory, and what such a root covers.
  Vnode* mounted() const { return mounted_.load(std::memory_order_acquire); }
  Vnode* covered() const { return covered_; }

  // Record locks and flock's, made by the first locker.
  std::atomic<FileLocks*> locks{nullptr};

 protected:
  ~Vnode() override;

 private:
  friend Status mount(Vnode& directory, Ref<Vnode> root);

  FileSystem& file_system_;
  const std::uint32_t type_;
  bool removed_ = false;  // the place's, as are the next two: under its lock
  Ref<Vnode> parent_;
  Ref<Name> name_;
  std::atomic<Vnode*> mounted_{nullptr};
  Vnode* covered_ = nullptr;  // set before mounted_ shows it
};

}  // namespace plumbline
