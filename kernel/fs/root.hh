// The tree of files at boot.
#pragma once

#include "core/result.hh"
#include "fs/ramfs/ramfs.hh"

namespace plumbline {

// Makes "/", an empty file system in memory, with /dev (its devices included), /dev/shm, /tmp, and
// empty /proc, /sys and /run for others to mount on. Once, before archives are unpacked.
Status make_root();

// Mounts what `root` is on the directory at `path`, which is made if it is missing.
Status mount_at(std::string_view path, Ref<Vnode> root);

}  // namespace plumbline
