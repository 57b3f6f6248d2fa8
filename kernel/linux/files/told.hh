// Telling those who watch a file that it was read or written.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/result.hh"
#include "fs/file.hh"
#include "fs/inotify.hh"

namespace plumbline::linux_abi {

[[gnu::noinline, gnu::cold]] inline void tell_watchers(File& file, std::uint32_t event) {
  if (Vnode* const vnode = file.vnode(); vnode != nullptr) inotify::tell_file(*vnode, event);
}

// Passes on the result of a transfer, and tells the watchers when it moved something. In line:
// nearly always there are none.
[[gnu::always_inline]] inline Result<std::size_t> told(File& file, Result<std::size_t> done,
                                                       std::uint32_t event) {
  if (inotify::watched() && done && *done != 0) [[unlikely]]
    tell_watchers(file, event);
  return done;
}

}  // namespace plumbline::linux_abi
