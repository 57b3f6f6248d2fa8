// A root in memory for hosted tests, with short ways to use it.
#pragma once

#include <string>
#include <vector>

#include "fs/file_system.hh"
#include "fs/open.hh"
#include "fs/path_walk.hh"
#include "fs/ramfs/ramfs.hh"
#include "fs/test_io.hh"

namespace plumbline {

// While it lives it is "/".
class TestTree {
 public:
  TestTree() {
    (void)ramfs_.initialise();
    set_root(ramfs_.root());
  }
  ~TestTree() { set_root(nullptr); }

  const Ref<Vnode>& root() const { return root_vnode(); }

  // Errors as numbers, 0 for success.
  static int number(const Status& status) { return static_cast<int>(status.error()); }

  int find(std::string_view path, bool follow = true) {
    return static_cast<int>(find_vnode(root(), path, follow).error());
  }
  int make(std::string_view path, NewNode node) {
    PathWalk walk(root(), path, {});
    if (const Status status = walk.to_last(); !status) return number(status);
    return static_cast<int>(walk.directory().create(walk.name(), node).error());
  }
  int directory(std::string_view path) { return make(path, {.mode = kModeDirectory | 0755}); }
  int file(std::string_view path) { return make(path, {.mode = kModeRegular | 0644}); }
  int symlink(std::string_view target, std::string_view path) {
    return make(path, {.mode = kModeSymbolicLink | 0777, .target = target});
  }
  int link(std::string_view from, std::string_view to) {
    const auto node = find_vnode(root(), from, false);
    if (!node) return static_cast<int>(node.error());
    PathWalk walk(root(), to, {});
    if (const Status status = walk.to_last(); !status) return number(status);
    return number(walk.directory().link(walk.name(), **node));
  }
  int remove(std::string_view path, bool is_directory) {
    PathWalk walk(root(), path, {});
    if (const Status status = walk.to_last(); !status) return number(status);
    return number(walk.directory().remove(walk.name(), is_directory));
  }
  int rename(std::string_view from, std::string_view to, std::uint32_t flags = 0) {
    PathWalk source(root(), from, {}), target(root(), to, {});
    if (const Status status = source.to_last(); !status) return number(status);
    if (const Status status = target.to_last(); !status) return number(status);
    return number(
        source.directory().rename(source.name(), target.directory(), target.name(), flags));
  }
  std::string path_of(std::string_view path) {
    const auto vnode = find_vnode(root(), path, true);
    if (!vnode) return "error " + std::to_string(static_cast<int>(vnode.error()));
    std::string text(5000, '\0');
    const auto length = (*vnode)->path(text);
    text.resize(length ? *length : 0);
    return text;
  }
  std::vector<std::string> list(std::string_view path) {
    class Names final : public DirectorySink {
     public:
      bool add(std::string_view name, std::uint64_t, std::uint32_t, std::uint64_t) override {
        if (name != "." && name != "..") names.emplace_back(name);
        return true;
      }
      std::vector<std::string> names;
    } sink;
    const auto vnode = find_vnode(root(), path, true);
    std::uint64_t position = 0;
    if (vnode) (void)(*vnode)->read_directory(sink, position);
    return sink.names;
  }
  std::string content(std::string_view path) {
    const auto file = open_path(path);
    return file ? read_text(**file) : "error " + std::to_string(static_cast<int>(file.error()));
  }

 private:
  Ramfs ramfs_;
};

}  // namespace plumbline
