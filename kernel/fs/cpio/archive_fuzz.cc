// Any bytes as an archive, unpacked into a tree of their own.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "fs/cpio/archive.hh"
#include "fs/file_system.hh"
#include "fs/ramfs/ramfs.hh"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace plumbline;
  // Its own memory: aligned as modules are, and as long as the data, for the sanitizer.
  void* memory = nullptr;
  if (posix_memalign(&memory, 4096, size == 0 ? 1 : size) != 0) return 0;
  std::memcpy(memory, data, size);
  {
    Ramfs ramfs;
    if (!ramfs.initialise()) std::abort();
    set_root(ramfs.root());
    UnpackResult result;
    (void)unpack_archive({static_cast<std::byte*>(memory), size}, ramfs.root(), result);
    set_root(nullptr);
  }
  std::free(memory);
  return 0;
}
