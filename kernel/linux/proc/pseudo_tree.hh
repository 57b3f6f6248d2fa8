// A tree of pseudo files written down as a list of paths: "sys/vm/overcommit_memory". Portable.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "linux/proc/pseudo_vnode.hh"

namespace plumbline::linux_abi {

struct TreeEntry {
  // Relative to the tree's root; directories are there because something is below them. The text
  // outlives the tree. A path that ends in '/' is an empty directory.
  std::string_view path;
  // Null in a symbolic link and in an empty directory.
  void (*generate)(TextBuffer& text, unsigned argument) = nullptr;
  unsigned argument = 0;
  // Null: it cannot be written.
  Status (*store)(std::string_view text) = nullptr;
  // A symbolic link's text; empty: not one.
  std::string_view link = {};
};

// The entries as a whole; they and what they refer to stay the owner's.
class PseudoTree {
 public:
  PseudoTree(FileSystem& file_system, std::span<const TreeEntry> entries)
      : file_system_(file_system), entries_(entries) {}

  FileSystem& file_system() const { return file_system_; }
  std::span<const TreeEntry> entries() const { return entries_; }
  // The entry of a directory ("" is the root) by name. kENOENT.
  Result<Ref<Vnode>> find(std::string_view directory, std::string_view name) const;
  // Lists a directory's entries from `position` on; `first` is the position of the first.
  void list(std::string_view directory, DirectorySink& sink, std::uint64_t& position,
            std::uint64_t first) const;
  // The position behind the last entry, with `first` that of the first.
  std::uint64_t end(std::uint64_t first) const { return first + entries_.size(); }
  // Number of an entry's inode, by its place in the list.
  std::uint64_t inode(std::size_t index, std::size_t depth) const;

 private:
  FileSystem& file_system_;
  const std::span<const TreeEntry> entries_;
};

// A directory of a tree: the whole of it, or below.
class TreeDirectory : public PseudoDirectory {
 public:
  TreeDirectory(const PseudoTree& tree, std::string_view path, std::uint64_t inode)
      : PseudoDirectory(tree.file_system(), inode), tree_(tree), path_(path) {}
  Result<Ref<Vnode>> find(std::string_view name) override { return tree_.find(path_, name); }
  Status list(DirectorySink& sink, std::uint64_t& position) override {
    tree_.list(path_, sink, position, kFirstListed);
    return {};
  }

 private:
  const PseudoTree& tree_;
  const std::string_view path_;
};

}  // namespace plumbline::linux_abi
