#include "linux/files/arguments.hh"

#include <algorithm>

#include "sync/lock_guard.hh"

namespace plumbline::linux_abi {

int descriptor_limit() {
  const std::uint64_t limit = current_process().limits[kLimitFiles].current;
  return static_cast<int>(std::min<std::uint64_t>(limit, DescriptorTable::kMost));
}

std::uint32_t masked(std::uint32_t mode) {
  Process& process = current_process();
  const LockGuard guard(process.fs_lock);
  return mode & ~process.umask;
}

Status PathArgument::copy(std::uint64_t address) {
  Result<std::size_t> length = copy_string_from_application(short_, address);
  const char* text = short_;
  if (!length && length.error() == Errno::kENAMETOOLONG) {
    long_ = new (std::nothrow) char[kLongestPath];
    if (long_ == nullptr) return Errno::kENOMEM;
    length = copy_string_from_application({long_, kLongestPath}, address);
    text = long_;
  }
  if (!length) return length.error();
  text_ = {text, *length};
  return {};
}

Result<Ref<Vnode>> walk_base(int directory, std::string_view path) {
  if (!path.empty() && path.front() == '/') return root_vnode();
  if (directory == kAtWorkingDirectory) {
    Process& process = current_process();
    const LockGuard guard(process.fs_lock);
    return process.working_directory;
  }
  const Result<Ref<File>> file = file_at(directory);
  if (!file) return file.error();
  Vnode* const vnode = (*file)->vnode();
  if (vnode == nullptr || (!path.empty() && !vnode->is_directory())) return Errno::kENOTDIR;
  return Ref<Vnode>::share(vnode);
}

Result<Ref<Vnode>> find_at(int directory, std::uint64_t path, unsigned flags) {
  PathArgument argument;
  if (const Status status = argument.copy(path); !status) return status.error();
  const bool itself = argument.text().empty() && (flags & kAtEmptyPath) != 0;
  if (argument.text().empty() && !itself) return Errno::kENOENT;
  Result<Ref<Vnode>> base = walk_base(directory, argument.text());
  if (!base || itself) return base;
  return find_vnode(*base, argument.text(), (flags & kAtNoFollow) == 0, credentials());
}

Status LastComponent::find(int directory, std::uint64_t path) {
  if (const Status status = path_.copy(path); !status) return status;
  if (path_.text().empty()) return Errno::kENOENT;
  const Result<Ref<Vnode>> base = walk_base(directory, path_.text());
  if (!base) return base.error();
  new (walk_) PathWalk(*base, path_.text(), credentials());
  made_ = true;
  return walk().to_last();
}

}  // namespace plumbline::linux_abi
