// Where UNIX sockets meet the file system.
#include "fs/path_walk.hh"
#include "fs/vnode.hh"
#include "linux/sockets/descriptors.hh"
#include "linux/sockets/unix_names.hh"

namespace plumbline::linux_abi {

Result<Ref<Vnode>> make_socket_node(const char* path) {
  const PathStart from = path_start();
  PathWalk walk(from.directory, path, from.who);
  if (const Status walked = walk.to_last(); !walked) return walked.error();
  if (!walk.named()) return Errno::kEADDRINUSE;
  if (walk.wants_directory()) return Errno::kENOENT;
  if (const Status allowed = check_permission(walk.directory(), from.who, kMayWrite | kMayExecute);
      !allowed)
    return allowed.error();
  NewNode node;
  node.mode = kModeSocket | (0777 & ~from.umask);
  node.user = from.who.user;
  node.group = from.who.group;
  auto made = walk.directory().create(walk.name(), node);
  if (!made && made.error() == Errno::kEEXIST) return Errno::kEADDRINUSE;
  return made;
}

Result<Ref<Vnode>> find_socket_node(const char* path) {
  const PathStart from = path_start();
  auto found = find_vnode(from.directory, path, true, from.who);
  if (!found) return found;
  if (const Status allowed = check_permission(**found, from.who, kMayWrite); !allowed)
    return allowed.error();
  if ((*found)->type() != kModeSocket) return Errno::kECONNREFUSED;
  return found;
}

}  // namespace plumbline::linux_abi
