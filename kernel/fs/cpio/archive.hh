// Archives in cpio's "newc" format (cpio(5); Linux, Documentation/driver-api/early-userspace/
// buffer-format.rst), as images are made of. Portable; every byte may be wrong.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/result.hh"
#include "fs/vnode.hh"

namespace plumbline {

struct ArchiveEntry {
  std::string_view name;  // as it stands there; may be "." or begin with "./" or "/"
  std::uint32_t mode = 0, user = 0, group = 0, links = 0;
  std::uint32_t modified = 0;     // seconds since 1970
  std::uint64_t file_number = 0;  // the same for all names of a file; the last one has the data
  std::uint64_t device = 0;       // of a device file
  std::span<std::byte> data;
};

// Reads one entry after the other, through any number of archives behind each other with zeros
// between them.
class ArchiveReader {
 public:
  explicit ArchiveReader(std::span<std::byte> archive) : archive_(archive) {}

  // False at the end. kEINVAL: see error().
  Result<bool> next(ArchiveEntry& entry);
  // What is wrong, and where; after kEINVAL.
  const char* error() const { return error_; }
  std::size_t offset() const { return at_; }

 private:
  Errno fail(const char* error);

  std::span<std::byte> archive_;
  std::size_t at_ = 0;
  const char* error_ = "";
  // The number space of file_number starts anew in each archive.
  std::uint64_t archive_number_ = 0;
};

struct UnpackResult {
  std::size_t files = 0;       // entries unpacked
  std::size_t lent_bytes = 0;  // shown from where they are
  std::size_t copied_bytes = 0;
  const char* error = "";  // when unpacking failed
  std::size_t error_offset = 0;
};

// Makes the files of an archive below `root`. Whole pages of the data that are aligned in memory
// are not copied: `archive` then belongs to the files for ever. What is there already is replaced,
// except directories, which stay. Directories that are missing on the way are made.
Status unpack_archive(std::span<std::byte> archive, const Ref<Vnode>& root, UnpackResult& result);

}  // namespace plumbline
