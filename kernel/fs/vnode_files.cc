#include "fs/vnode_files.hh"

#include <new>
#include <utility>

namespace plumbline {
namespace {

class VnodeFile : public File {
 public:
  VnodeFile(Ref<Vnode> vnode, std::uint32_t flags) : File(flags), vnode_(std::move(vnode)) {}
  Status stat(Attributes& attributes) override { return vnode_->attributes(attributes); }
  Vnode* vnode() override { return vnode_.get(); }
  std::size_t describe(std::span<char> text) override {
    const Result<std::size_t> length = vnode_->path(text);
    return length ? *length : 0;
  }

 protected:
  const Ref<Vnode> vnode_;
};

class DirectoryFile final : public VnodeFile {
 public:
  using VnodeFile::VnodeFile;
  Result<std::size_t> read(IoCursor&, std::uint64_t) override { return Errno::kEISDIR; }
  bool seekable() const override { return true; }
  Result<std::uint64_t> end() override { return Errno::kEINVAL; }
  Status synchronise() override { return {}; }
  Status read_directory(DirectorySink& sink, std::uint64_t& from) override {
    return vnode_->read_directory(sink, from);
  }
};

class PathOnlyFile final : public VnodeFile {
 public:
  using VnodeFile::VnodeFile;
  Result<Ref<MemoryObject>> memory_object() override { return Errno::kEBADF; }
};

template <typename T>
Result<Ref<File>> make(Ref<Vnode> vnode, std::uint32_t flags) {
  auto* const file = new (std::nothrow) T(std::move(vnode), flags);
  if (file == nullptr) return Errno::kENOMEM;
  return Ref<File>::adopt(file);
}

}  // namespace

Result<Ref<File>> open_directory(Ref<Vnode> vnode, std::uint32_t flags) {
  return make<DirectoryFile>(std::move(vnode), flags);
}

Result<Ref<File>> open_path_only(Ref<Vnode> vnode, std::uint32_t flags) {
  return make<PathOnlyFile>(std::move(vnode), flags);
}

}  // namespace plumbline
