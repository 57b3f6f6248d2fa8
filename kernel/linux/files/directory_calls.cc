// Reading directories, and the working directory.
#include <cstring>
#include <memory>
#include <utility>

#include "linux/call.hh"
#include "linux/files/arguments.hh"
#include "sync/lock_guard.hh"

namespace plumbline::linux_abi {
namespace {

// Writes entries to the program as getdents64 or the old getdents lays them out.
class EntryWriter final : public DirectorySink {
 public:
  EntryWriter(std::uint64_t address, std::size_t size, bool old_layout)
      : address_(address), left_(size), old_layout_(old_layout) {}

  bool add(std::string_view name, std::uint64_t inode, std::uint32_t type,
           std::uint64_t next) override {
    // ino, off, reclen; then the type in the new layout, in the old one it is the last byte.
    constexpr std::size_t kOldHeader = 18, kNewHeader = 19;
    const std::size_t header = old_layout_ ? kOldHeader : kNewHeader;
    const std::size_t length = (header + name.size() + 1 + (old_layout_ ? 1 : 0) + 7) & ~7ul;
    if (length > left_) {
      error_ = written_ == 0 ? Errno::kEINVAL : Errno::kNone;
      return false;
    }
    char record[kNewHeader + kLongestName + 16] = {};
    const auto short_length = static_cast<std::uint16_t>(length);
    const auto short_type = static_cast<char>(type >> 12);  // DT_ values are a mode's type bits
    std::memcpy(record, &inode, 8);
    std::memcpy(record + 8, &next, 8);
    std::memcpy(record + 16, &short_length, 2);
    record[old_layout_ ? length - 1 : kOldHeader] = short_type;
    std::memcpy(record + header, name.data(), name.size());
    if (!is_application_range(address_, length) ||
        copy_to_application(address_, record, length) != length) {
      error_ = written_ == 0 ? Errno::kEFAULT : Errno::kNone;
      return false;
    }
    address_ += length;
    left_ -= length;
    written_ += length;
    return true;
  }

  Result<std::size_t> result() const {
    if (error_ != Errno::kNone) return error_;
    return written_;
  }

 private:
  std::uint64_t address_;
  std::size_t left_;
  const bool old_layout_;
  std::size_t written_ = 0;
  Errno error_ = Errno::kNone;
};

Result<std::size_t> read_entries(int descriptor, std::uint64_t address, unsigned size,
                                 bool old_layout) {
  const Result<Ref<File>> file = usable_file(descriptor);
  if (!file) return file.error();
  EntryWriter writer(address, size, old_layout);
  const LockGuard guard((*file)->position_lock);
  if (const Status status = (*file)->read_directory(writer, (*file)->position); !status)
    return status.error();
  return writer.result();
}

Result<std::size_t> call_getdents64(int descriptor, std::uint64_t address, unsigned size) {
  return read_entries(descriptor, address, size, false);
}
LINUX_CALL(217, getdents64, call_getdents64);

Result<std::size_t> call_getdents(int descriptor, std::uint64_t address, unsigned size) {
  return read_entries(descriptor, address, size, true);
}
LINUX_CALL(78, getdents, call_getdents);

Result<std::size_t> call_getcwd(std::uint64_t buffer, std::size_t size) {
  const Result<Ref<Vnode>> directory = walk_base(kAtWorkingDirectory, {});
  if (!directory) return directory.error();
  if ((*directory)->removed()) return Errno::kENOENT;
  const std::unique_ptr<char[]> text(new (std::nothrow) char[kLongestPath]);
  if (text == nullptr) return Errno::kENOMEM;
  const Result<std::size_t> length = (*directory)->path({text.get(), kLongestPath - 1});
  if (!length) return length.error();
  text[*length] = '\0';
  const std::size_t bytes = *length + 1;
  if (bytes > size) return Errno::kERANGE;
  if (!is_application_range(buffer, bytes) ||
      copy_to_application(buffer, text.get(), bytes) != bytes)
    return Errno::kEFAULT;
  return bytes;
}
LINUX_CALL(79, getcwd, call_getcwd);

Status change_directory(Ref<Vnode> directory) {
  if (!directory->is_directory()) return Errno::kENOTDIR;
  if (const Status status = check_permission(*directory, credentials(), kMayExecute); !status)
    return status;
  Process& process = current_process();
  const LockGuard guard(process.fs_lock);
  std::swap(process.working_directory, directory);
  return {};
}

Status call_chdir(std::uint64_t path) {
  Result<Ref<Vnode>> directory = find_at(kAtWorkingDirectory, path, 0);
  return directory ? change_directory(std::move(*directory)) : Status(directory.error());
}
LINUX_CALL(80, chdir, call_chdir);

Status call_fchdir(int descriptor) {
  const Result<Ref<File>> file = file_at(descriptor);
  if (!file) return file.error();
  Vnode* const vnode = (*file)->vnode();
  if (vnode == nullptr) return Errno::kENOTDIR;
  return change_directory(Ref<Vnode>::share(vnode));
}
LINUX_CALL(81, fchdir, call_fchdir);

Result<std::uint32_t> call_umask(std::uint32_t mask) {
  Process& process = current_process();
  const LockGuard guard(process.fs_lock);
  return std::exchange(process.umask, mask & 0777);
}
LINUX_CALL(95, umask, call_umask);

}  // namespace
}  // namespace plumbline::linux_abi
