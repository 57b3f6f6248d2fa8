// The running program's descriptors and credentials, as sockets need them. Hosted tests have a
// program of their own.
#pragma once

#include "core/reference.hh"
#include "core/result.hh"
#include "fs/file.hh"
#include "fs/path_walk.hh"
#ifndef PLUMBLINE_HOSTED
#include "linux/task.hh"
#endif

namespace plumbline::linux_abi {

// A new descriptor for a file. kEMFILE, kENOMEM.
Result<int> install_descriptor(Ref<File> file, bool close_on_exec);
// Closes one that was installed.
void close_descriptor(int descriptor);
// What a descriptor refers to. kEBADF.
Result<Ref<File>> file_of(int descriptor);
// The same as a pointer that the caller releases; null for what is not open.
#ifdef PLUMBLINE_HOSTED
File* retain_file(int descriptor);
#else
inline File* retain_file(int descriptor) {
  // A running task has a process, and that has descriptors: not asked for every datagram.
  return current_task().process.get()->descriptors.get()->get_retained(descriptor);
}
#endif
// Where a path of the running program starts, and who walks.
struct PathStart {
  Ref<Vnode> directory;
  Credentials who;
  std::uint32_t umask = 022;
};
PathStart path_start();
// SIGPIPE to the running thread.
void raise_broken_pipe();

}  // namespace plumbline::linux_abi
