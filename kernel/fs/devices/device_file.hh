// An open device file: attributes and path are those of its node, whatever file system that is in.
#pragma once

#include <new>
#include <utility>

#include "fs/file.hh"
#include "fs/vnode.hh"

namespace plumbline {

class DeviceFile : public File {
 public:
  DeviceFile(Ref<Vnode> node, std::uint32_t flags) : File(flags), node_(std::move(node)) {}
  Status stat(Attributes& attributes) override { return node_->attributes(attributes); }
  Vnode* vnode() override { return node_.get(); }
  std::size_t describe(std::span<char> text) override {
    const Result<std::size_t> length = node_->path(text);
    return length ? *length : 0;
  }

 private:
  const Ref<Vnode> node_;
};

// What a device's OpenDevice function does for a class of files.
template <typename T>
Result<Ref<File>> open_device_file(Ref<Vnode> node, std::uint32_t flags) {
  auto* const file = new (std::nothrow) T(std::move(node), flags);
  if (file == nullptr) return Errno::kENOMEM;
  return Ref<File>::adopt(file);
}

}  // namespace plumbline
