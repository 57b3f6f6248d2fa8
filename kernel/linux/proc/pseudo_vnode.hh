// Files whose content is made when it is read: what /proc and /sys consist of. Portable.
#pragma once

#include <cstdint>
#include <string_view>

#include "fs/file.hh"
#include "fs/file_system.hh"
#include "fs/vnode.hh"
#include "linux/proc/text_buffer.hh"

namespace plumbline::linux_abi {

class PseudoFileSystem final : public FileSystem {
 public:
  // `magic`: statfs(2)'s type.
  PseudoFileSystem(const char* type, std::uint64_t magic) : FileSystem(type), magic_(magic) {}
  Status statistics(FileSystemStatistics& statistics) override;

 private:
  const std::uint64_t magic_;
};

class PseudoVnode : public Vnode {
 public:
  PseudoVnode(FileSystem& file_system, std::uint32_t mode, std::uint64_t inode)
      : Vnode(file_system, mode & kModeTypeMask), mode_(mode), inode_(inode) {}
  Status attributes(Attributes& attributes) override;
  // chmod and chown are forgotten with the vnode, so they are refused.
  Status truncate(std::uint64_t) override { return {}; }

  std::uint64_t inode() const { return inode_; }
  std::uint32_t mode() const { return mode_; }

 private:
  const std::uint32_t mode_;
  const std::uint64_t inode_;
};

// A regular file. Its content is made when it is read from its beginning, and kept until then.
class PseudoText : public PseudoVnode {
 public:
  PseudoText(FileSystem& file_system, std::uint32_t permissions, std::uint64_t inode)
      : PseudoVnode(file_system, kModeRegular | permissions, inode) {}
  virtual Status generate(TextBuffer& text) = 0;
  // What one write(2) brought. kEINVAL: it means nothing.
  virtual Status store(std::string_view) { return Errno::kEINVAL; }
  Result<Ref<File>> open(std::uint32_t flags) override;
};

class PseudoLink : public PseudoVnode {
 public:
  PseudoLink(FileSystem& file_system, std::uint64_t inode)
      : PseudoVnode(file_system, kModeSymbolicLink | 0777, inode) {}
  virtual Status target(TextBuffer& text) = 0;
  Result<std::size_t> read_link(std::span<char> text) final;
  Result<Ref<File>> open(std::uint32_t) override { return Errno::kELOOP; }
};

// A directory; it gives the vnodes it makes their place.
class PseudoDirectory : public PseudoVnode {
 public:
  PseudoDirectory(FileSystem& file_system, std::uint64_t inode, std::uint32_t permissions = 0555)
      : PseudoVnode(file_system, kModeDirectory | permissions, inode) {}

  // Makes the vnode of an entry. kENOENT.
  virtual Result<Ref<Vnode>> find(std::string_view name) = 0;
  // Calls sink.add for the entries from `position` on, of which 0 and 1 are "." and "..", which are
  // not listed here. Positions need not be dense.
  virtual Status list(DirectorySink& sink, std::uint64_t& position) = 0;

  Result<Ref<Vnode>> lookup(std::string_view name) final;
  // Nothing can be made here; Linux says that the name does not exist.
  Result<Ref<Vnode>> create(std::string_view, const NewNode&) override { return Errno::kENOENT; }
  Status read_directory(DirectorySink& sink, std::uint64_t& position) final;
  Result<Ref<File>> open(std::uint32_t flags) override;
};
inline constexpr std::uint64_t kFirstListed = 2;

// What a function that makes vnodes returns. kENOMEM.
template <typename T, typename... Arguments>
Result<Ref<Vnode>> make_vnode(Arguments&&... arguments) {
  T* vnode = new (std::nothrow) T(std::forward<Arguments>(arguments)...);
  if (vnode == nullptr) return Errno::kENOMEM;
  return Ref<Vnode>(Ref<T>::adopt(vnode));
}

// A number that a program wrote, white space around it allowed.
Result<long> parse_written_number(std::string_view text);

}  // namespace plumbline::linux_abi
