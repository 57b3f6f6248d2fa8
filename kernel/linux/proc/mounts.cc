// /proc/mounts and /proc/PID/mountinfo: what is mounted where.
#include <array>

#include "fs/file_system.hh"
#include "fs/vnode.hh"
#include "linux/proc/process_files.hh"

namespace plumbline::linux_abi {
namespace {

template <typename Visit>
void for_each_mount(Visit visit) {
  std::array<char, 512> path;
  for (unsigned i = 0;; ++i) {
    Vnode* root = mounted_root(i);
    if (root == nullptr) return;
    const Result<std::size_t> length = root->path(path);
    if (length) visit(i, *root, std::string_view(path.data(), *length));
  }
}

}  // namespace

void print_mounts(TextBuffer& text) {
  for_each_mount([&](unsigned, const Vnode& root, std::string_view path) {
    const char* type = root.file_system().type();
    text.print("%s %.*s %s rw,relatime 0 0\n", type, static_cast<int>(path.size()), path.data(),
               type);
  });
}

void print_mount_information(TextBuffer& text) {
  // The root's number is that of its parent, too, as where nothing is above it.
  constexpr unsigned kFirst = 20;
  for_each_mount([&](unsigned index, const Vnode& root, std::string_view path) {
    const char* type = root.file_system().type();
    const std::uint64_t device = root.file_system().device();
    text.print("%u %u %lu:%lu / %.*s rw,relatime - %s %s rw\n", kFirst + index,
               index == 0 ? 1 : kFirst, static_cast<unsigned long>(device >> 8),
               static_cast<unsigned long>(device & 0xff), static_cast<int>(path.size()),
               path.data(), type, type);
  });
}

}  // namespace plumbline::linux_abi
