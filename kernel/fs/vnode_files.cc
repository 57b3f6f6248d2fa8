#include "fs/vnode_files.hh"

#include <new>
#include <utility>

#include "fs/file_system.hh"
#include "fs/pipe.hh"
#include "fs/vnode_file.hh"
#include "sync/lock_guard.hh"
#include "sync/mutex.hh"

namespace plumbline {
namespace {

class DirectoryFile final : public VnodeFile {
 public:
  using VnodeFile::VnodeFile;
  Result<std::size_t> read(IoCursor&, std::uint64_t) override { return Errno::kEISDIR; }
  bool seekable() const override { return true; }
  Result<std::uint64_t> end() override { return Errno::kEINVAL; }
  Status synchronise() override { return {}; }
  Status read_directory(DirectorySink& sink, std::uint64_t& from) override {
    return vnode()->read_directory(sink, from);
  }
};

class PathOnlyFile final : public VnodeFile {
 public:
  using VnodeFile::VnodeFile;
  Result<Ref<MemoryObject>> memory_object() override { return Errno::kEBADF; }
};

// What the files below belong to; made once and never destroyed.
class NamelessFileSystem final : public FileSystem {
 public:
  NamelessFileSystem() : FileSystem("anon_inodefs") {}
  Status statistics(FileSystemStatistics& statistics) override {
    statistics.type = 0x0904'1934;  // ANON_INODE_FS_MAGIC
    return {};
  }
};

NamelessFileSystem* nameless_files() {
  static constinit Mutex lock;
  static constinit NamelessFileSystem* file_system = nullptr;
  const LockGuard guard(lock);
  if (file_system == nullptr) file_system = new (std::nothrow) NamelessFileSystem;
  return file_system;
}

class FileVnode final : public Vnode {
 public:
  FileVnode(FileSystem& file_system, std::uint32_t type, Ref<File> file)
      : Vnode(file_system, type), file_(std::move(file)) {}

  Result<Ref<File>> open(std::uint32_t flags) override {
    if (file_->pipe == nullptr) return Errno::kENXIO;
    const std::uint32_t access = flags & kOpenAccessMask;
    if ((access != kOpenWriteOnly && !file_->readable()) ||
        (access != kOpenReadOnly && !file_->writable()))
      return Errno::kEACCES;
    return file_;
  }
  Status attributes(Attributes& attributes) override { return file_->stat(attributes); }

 private:
  const Ref<File> file_;
};

}  // namespace

Result<Ref<Vnode>> file_vnode(Ref<File> file) {
  Attributes attributes;
  if (const Status status = file->stat(attributes); !status) return status.error();
  NamelessFileSystem* const file_system = nameless_files();
  if (file_system == nullptr) return Errno::kENOMEM;
  auto* const made =
      new (std::nothrow) FileVnode(*file_system, attributes.mode & kModeTypeMask, std::move(file));
  if (made == nullptr) return Errno::kENOMEM;
  return Ref<Vnode>(Ref<FileVnode>::adopt(made));
}

Result<Ref<File>> open_directory(Ref<Vnode> vnode, std::uint32_t flags) {
  return open_vnode_file<DirectoryFile>(std::move(vnode), flags);
}

Result<Ref<File>> open_path_only(Ref<Vnode> vnode, std::uint32_t flags) {
  return open_vnode_file<PathOnlyFile>(std::move(vnode), flags);
}

}  // namespace plumbline
