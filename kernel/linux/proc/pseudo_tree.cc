#include "linux/proc/pseudo_tree.hh"

namespace plumbline::linux_abi {
namespace {

// Inodes below this are for roots and for what is made by other means.
constexpr std::uint64_t kFirstInode = 0x1'0000'0000;
constexpr std::size_t kMostDepth = 16;

class TreeText final : public PseudoText {
 public:
  TreeText(FileSystem& file_system, const TreeEntry& entry, std::uint64_t inode)
      : PseudoText(file_system, entry.store != nullptr ? 0644 : 0444, inode), entry_(entry) {}
  Status generate(TextBuffer& text) override {
    entry_.generate(text, entry_.argument);
    return {};
  }
  Status store(std::string_view text) override {
    return entry_.store != nullptr ? entry_.store(text) : Errno::kEINVAL;
  }

 private:
  const TreeEntry& entry_;
};

class TreeLink final : public PseudoLink {
 public:
  TreeLink(FileSystem& file_system, const TreeEntry& entry, std::uint64_t inode)
      : PseudoLink(file_system, inode), text_(entry.link) {}
  Status target(TextBuffer& text) override {
    text.append(text_);
    return {};
  }

 private:
  const std::string_view text_;
};

// What follows `directory` in `path`; empty when the path does not lead through it.
std::string_view below(std::string_view path, std::string_view directory) {
  if (directory.empty()) return path;
  if (path.size() <= directory.size() || !path.starts_with(directory) ||
      path[directory.size()] != '/')
    return {};
  return path.substr(directory.size() + 1);
}

struct Component {
  std::string_view name;
  bool directory;
};
Component first_component(std::string_view path) {
  const std::size_t slash = path.find('/');
  if (slash == std::string_view::npos) return {path, false};
  return {path.substr(0, slash), true};
}

std::size_t depth_of(std::string_view path) {
  std::size_t depth = 0;
  for (const char character : path) depth += character == '/' ? 1 : 0;
  return depth;
}

}  // namespace

std::uint64_t PseudoTree::inode(std::size_t index, std::size_t depth) const {
  return kFirstInode + index * kMostDepth + depth;
}

Result<Ref<Vnode>> PseudoTree::find(std::string_view directory, std::string_view name) const {
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const TreeEntry& entry = entries_[i];
    const std::string_view rest = below(entry.path, directory);
    const Component component = first_component(rest);
    if (rest.empty() || component.name != name) continue;
    const auto length =
        static_cast<std::size_t>(component.name.data() + name.size() - entry.path.data());
    const std::string_view path = entry.path.substr(0, length);
    const std::uint64_t number = inode(i, depth_of(path));
    if (component.directory) return make_vnode<TreeDirectory>(*this, path, number);
    if (!entry.link.empty()) return make_vnode<TreeLink>(file_system_, entry, number);
    return make_vnode<TreeText>(file_system_, entry, number);
  }
  return Errno::kENOENT;
}

void PseudoTree::list(std::string_view directory, DirectorySink& sink, std::uint64_t& position,
                      std::uint64_t first) const {
  for (std::size_t i = position - first; i < entries_.size(); ++i) {
    const std::string_view rest = below(entries_[i].path, directory);
    const Component component = first_component(rest);
    bool shown = rest.empty();
    // A directory is listed with the first entry that is in it.
    for (std::size_t j = 0; j < i && !shown; ++j)
      shown = first_component(below(entries_[j].path, directory)).name == component.name;
    if (!shown) {
      const auto length = static_cast<std::size_t>(component.name.data() + component.name.size() -
                                                   entries_[i].path.data());
      const std::uint32_t type = component.directory         ? kModeDirectory
                                 : !entries_[i].link.empty() ? kModeSymbolicLink
                                                             : kModeRegular;
      const std::uint64_t number = inode(i, depth_of(entries_[i].path.substr(0, length)));
      if (!sink.add(component.name, number, type, first + i + 1)) return;
    }
    position = first + i + 1;
  }
}

}  // namespace plumbline::linux_abi
