#include "fs/root.hh"

#include <new>
#include <utility>

#include "fs/device_files.hh"
#include "fs/path_walk.hh"

namespace plumbline {
namespace {

struct Node {
  const char* name;
  std::uint32_t mode;
  std::uint32_t major, minor;
  const char* target;
};

// Numbers and permissions: Linux, Documentation/admin-guide/devices.txt.
constexpr Node kDeviceNodes[] = {
    {"null", kModeCharacterDevice | 0666, 1, 3, ""},
    {"zero", kModeCharacterDevice | 0666, 1, 5, ""},
    {"full", kModeCharacterDevice | 0666, 1, 7, ""},
    {"random", kModeCharacterDevice | 0666, 1, 8, ""},
    {"urandom", kModeCharacterDevice | 0666, 1, 9, ""},
    {"tty", kModeCharacterDevice | 0666, 5, 0, ""},
    {"ptmx", kModeCharacterDevice | 0666, 5, 2, ""},
    {"console", kModeCharacterDevice | 0600, 5, 1, ""},
    {"fd", kModeSymbolicLink | 0777, 0, 0, "/proc/self/fd"},
    {"stdin", kModeSymbolicLink | 0777, 0, 0, "/proc/self/fd/0"},
    {"stdout", kModeSymbolicLink | 0777, 0, 0, "/proc/self/fd/1"},
    {"stderr", kModeSymbolicLink | 0777, 0, 0, "/proc/self/fd/2"},
    {"shm", kModeDirectory | 01777, 0, 0, ""},
};

constexpr Node kRootNodes[] = {
    {"dev", kModeDirectory | 0755, 0, 0, ""},  {"proc", kModeDirectory | 0555, 0, 0, ""},
    {"sys", kModeDirectory | 0555, 0, 0, ""},  {"run", kModeDirectory | 0755, 0, 0, ""},
    {"tmp", kModeDirectory | 01777, 0, 0, ""},
};

Status make_nodes(Vnode& directory, std::span<const Node> nodes) {
  for (const Node& node : nodes) {
    const Result<Ref<Vnode>> made =
        directory.create(node.name, {.mode = node.mode,
                                     .device = device_number(node.major, node.minor),
                                     .target = node.target});
    if (!made) return made.error();
  }
  return {};
}

// A file system that stays for ever. Null when memory is short.
Ramfs* make_ramfs(const char* type) {
  auto* const ramfs = new (std::nothrow) Ramfs(type);
  if (ramfs != nullptr && !ramfs->initialise()) return nullptr;
  return ramfs;
}

}  // namespace

Status make_root() {
  Ramfs* const root = make_ramfs("rootfs");
  Ramfs* const devices = make_ramfs("devtmpfs");
  if (root == nullptr || devices == nullptr) return Errno::kENOMEM;
  set_root(root->root());
  if (const Status status = make_nodes(*root_vnode(), kRootNodes); !status) return status;
  if (const Status status = make_nodes(*devices->root(), kDeviceNodes); !status) return status;
  return mount_at("/dev", devices->root());
}

Status mount_at(std::string_view path, Ref<Vnode> root) {
  PathWalk walk(root_vnode(), path, {});
  if (const Status status = walk.to_last(); !status) return status;
  Result<Ref<Vnode>> directory = walk.look_up();
  if (!directory && directory.error() == Errno::kENOENT && walk.named())
    directory = walk.directory().create(walk.name(), {.mode = kModeDirectory | 0755});
  if (!directory) return directory.error();
  return mount(**directory, std::move(root));
}

}  // namespace plumbline
