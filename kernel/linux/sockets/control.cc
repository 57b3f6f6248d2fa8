// Ancillary data in the layout of struct cmsghdr (cmsg(3); Linux, net/core/scm.c for its errors).
#include <algorithm>
#include <array>

#include "linux/sockets/descriptors.hh"
#include "linux/sockets/message.hh"
#include "memory/application_memory.hh"
#include "sync/lock_guard.hh"
#include "sync/spinlock.hh"

namespace plumbline::linux_abi {

Result<bool> next_control(std::span<const std::byte>& control, ControlMessage& message) {
  // As on Linux: what is too short for a header is no message.
  if (control.size() < kControlHeader) return false;
  const auto length = load_unaligned<std::uint64_t>(control.data());
  if (length < kControlHeader || length > control.size()) return Errno::kEINVAL;
  message.level = load_unaligned<std::int32_t>(control.data() + 8);
  message.type = load_unaligned<std::int32_t>(control.data() + 12);
  message.data = control.subspan(kControlHeader, length - kControlHeader);
  control = control.subspan(std::min(control_align(length), control.size()));
  return true;
}

void ControlWriter::put(int level, int type, std::span<const std::byte> data) {
  if (room_ - used_ < kControlHeader) {
    truncated_ = true;
    return;
  }
  std::size_t length = kControlHeader + data.size();
  if (length > room_ - used_) {
    truncated_ = true;
    length = room_ - used_;
  }
  std::array<std::byte, kControlHeader> header;
  store_unaligned(header.data(), std::uint64_t{length});
  store_unaligned(header.data() + 8, level);
  store_unaligned(header.data() + 12, type);
  const std::uint64_t at = address_ + used_;
  const std::size_t in_data = length - kControlHeader;
  if (!is_application_range(at, length) ||
      copy_to_application(at, header.data(), kControlHeader) != kControlHeader ||
      copy_to_application(at + kControlHeader, data.data(), in_data) != in_data) {
    faulted_ = true;
    return;
  }
  used_ = std::min(used_ + control_align(length), room_);
}

void ControlWriter::put_files(std::span<const Ref<File>> files, bool close_on_exec) {
  const std::size_t left = room_ - used_;
  const std::size_t most = left < kControlHeader ? 0 : (left - kControlHeader) / 4;
  std::array<std::int32_t, FileBundle::kMost> numbers;
  std::size_t count = 0;
  while (count < std::min(most, files.size())) {
    const Result<int> number = install_descriptor(files[count], close_on_exec);
    if (!number) break;
    numbers[count++] = *number;
  }
  if (count < files.size()) truncated_ = true;
  if (count != 0)
    put(kLevelSocket, kControlRights, std::as_bytes(std::span(numbers.data(), count)));
}

bool FileBundle::add(Ref<File> file) {
  if (count_ == kMost) return false;
  files_[count_++] = std::move(file);
  return true;
}

FileBundle::~FileBundle() = default;

namespace {
// Bundles whose files are to be closed, and whether somebody is at it.
constinit Spinlock abandoned_lock;
constinit FileBundle* abandoned = nullptr;
constinit bool closing = false;
}  // namespace

void FileBundle::destroy() {
  {
    const LockGuard guard(abandoned_lock);
    next_ = abandoned;
    abandoned = this;
    if (closing) return;
    closing = true;
  }
  for (;;) {
    FileBundle* bundle;
    {
      const LockGuard guard(abandoned_lock);
      bundle = abandoned;
      if (bundle == nullptr) {
        closing = false;
        return;
      }
      abandoned = bundle->next_;
    }
    // May come back here through the sockets it closes, which then only add to the list.
    delete bundle;
  }
}

}  // namespace plumbline::linux_abi
