// An open regular file of ramfs.
#pragma once

#include "fs/ramfs/nodes.hh"
#include "fs/vnode_file.hh"

namespace plumbline {

class RamFile final : public VnodeFile {
 public:
  RamFile(Ref<RamRegular> node, std::uint32_t flags)
      : VnodeFile(Ref<Vnode>::share(node.get()), flags), node_(*node) {}

  Result<std::size_t> read(IoCursor& to, std::uint64_t offset) override {
    return node_.read(to, offset);
  }
  Result<std::size_t> write(IoCursor& from, std::uint64_t& offset) override {
    return node_.write(from, offset, (flags() & kOpenAppend) != 0);
  }
  bool seekable() const override { return true; }
  Result<std::uint64_t> end() override { return node_.content().size(); }
  Result<std::uint64_t> seek_data(std::uint64_t from, bool hole) override {
    return node_.seek_data(from, hole);
  }
  Status truncate(std::uint64_t size) override { return node_.truncate(size); }
  Status allocate(int mode, std::uint64_t offset, std::uint64_t length) override {
    return node_.allocate(mode, offset, length);
  }
  Status synchronise() override { return {}; }
  Result<Ref<MemoryObject>> memory_object() override {
    return Ref<MemoryObject>(Ref<AnonymousObject>::share(&node_.content()));
  }

 private:
  RamRegular& node_;  // the vnode
};

}  // namespace plumbline
