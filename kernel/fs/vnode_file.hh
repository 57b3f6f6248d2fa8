// An open file with a name in a file system: attributes and path are those of its vnode.
#pragma once

#include <new>
#include <utility>

#include "fs/file.hh"
#include "fs/vnode.hh"

namespace plumbline {

// Base is File, or a class of files whose ends also stand in a tree (a FIFO's ends).
template <typename Base>
class FileOfVnode : public Base {
 public:
  template <typename... Arguments>
  explicit FileOfVnode(Ref<Vnode> vnode, Arguments&&... arguments)
      : Base(std::forward<Arguments>(arguments)...), vnode_(std::move(vnode)) {}
  Status stat(Attributes& attributes) override { return vnode_->attributes(attributes); }
  Vnode* vnode() override { return vnode_.get(); }
  std::size_t describe(std::span<char> text) override {
    const Result<std::size_t> length = vnode_->path(text);
    return length ? *length : 0;
  }

 private:
  const Ref<Vnode> vnode_;
};
using VnodeFile = FileOfVnode<File>;

// Opens a vnode as a file of class T; for devices, what open_device calls. kENOMEM.
template <typename T>
Result<Ref<File>> open_vnode_file(Ref<Vnode> vnode, std::uint32_t flags) {
  auto* const file = new (std::nothrow) T(std::move(vnode), flags);
  if (file == nullptr) return Errno::kENOMEM;
  return Ref<File>::adopt(file);
}

}  // namespace plumbline
