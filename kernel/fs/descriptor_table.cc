#include "fs/descriptor_table.hh"

#include <algorithm>
#include <new>
#include <utility>

#include "fs/file_locks.hh"
#include "fs/vnode.hh"

namespace plumbline {
namespace {

constexpr int kFirstCapacity = 64;

}  // namespace

DescriptorTable::~DescriptorTable() {
  for (int i = 0; i < capacity_; ++i) {
    if (entries_[i].file != nullptr) finish_close(entries_[i].file);
  }
  delete[] entries_;
}

bool DescriptorTable::grow(int descriptor) {
  for (;;) {
    int capacity;
    {
      const LockGuard guard(lock_);
      capacity = capacity_;
    }
    if (descriptor < capacity) return true;
    int larger = std::max(kFirstCapacity, capacity);
    while (larger <= descriptor) larger *= 2;
    // Outside of the lock, which masks interrupts.
    auto* fresh = new (std::nothrow) Entry[static_cast<std::size_t>(larger)];
    if (fresh == nullptr) return false;
    {
      const LockGuard guard(lock_);
      if (capacity_ == capacity) {
        std::copy_n(entries_, capacity_, fresh);
        std::swap(entries_, fresh);
        capacity_ = larger;
      }
    }
    delete[] fresh;
  }
}

Result<int> DescriptorTable::add(Ref<File> file, bool close_on_exec, int from, int limit) {
  limit = std::min(limit, kMost);
  if (from < 0 || (from != 0 && from >= limit)) return Errno::kEINVAL;
  for (;;) {
    int at;
    {
      const LockGuard guard(lock_);
      at = std::max(from, first_free_);
      while (at < capacity_ && entries_[at].file != nullptr) ++at;
      if (at >= limit) return Errno::kEMFILE;
      if (at < capacity_) {
        entries_[at] = {file.leak(), close_on_exec};
        if (from <= first_free_) first_free_ = at + 1;
        return at;
      }
    }
    if (!grow(at)) return Errno::kENOMEM;
  }
}

Status DescriptorTable::replace(int descriptor, Ref<File> file, bool close_on_exec, int limit) {
  if (descriptor < 0 || descriptor >= std::min(limit, kMost)) return Errno::kEBADF;
  if (!grow(descriptor)) return Errno::kENOMEM;
  File* old;
  {
    const LockGuard guard(lock_);
    old = entries_[descriptor].file;
    entries_[descriptor] = {file.leak(), close_on_exec};
  }
  if (old != nullptr) finish_close(old);
  return {};
}

File* DescriptorTable::take_out(int descriptor) {
  if (static_cast<unsigned>(descriptor) >= static_cast<unsigned>(capacity_)) return nullptr;
  File* const file = std::exchange(entries_[descriptor].file, nullptr);
  if (file != nullptr) first_free_ = std::min(first_free_, descriptor);
  return file;
}

void DescriptorTable::finish_close(File* file) {
  file->descriptor_closed(process_);
  // A process's record locks go with any of its descriptors (fcntl_locking(2)).
  if (Vnode* const vnode = file->vnode(); vnode != nullptr) {
    if (FileLocks* const locks = vnode->locks.load(std::memory_order_acquire); locks != nullptr)
      locks->drop(FileLocks::Kind::kRecord, LockOwner::of_process(process_));
  }
  file->release();
}

Status DescriptorTable::close(int descriptor) {
  File* file;
  {
    const LockGuard guard(lock_);
    file = take_out(descriptor);
  }
  if (file == nullptr) return Errno::kEBADF;
  finish_close(file);
  return {};
}

void DescriptorTable::close_range(unsigned first, unsigned last, bool only_mark) {
  for (unsigned at = first; at <= last; ++at) {
    File* file = nullptr;
    {
      const LockGuard guard(lock_);
      if (at >= static_cast<unsigned>(capacity_)) return;
      if (only_mark) {
        if (entries_[at].file != nullptr) entries_[at].close_on_exec = true;
        continue;
      }
      file = take_out(static_cast<int>(at));
    }
    if (file != nullptr) finish_close(file);
  }
}

Result<bool> DescriptorTable::close_on_exec(int descriptor) {
  const LockGuard guard(lock_);
  if (static_cast<unsigned>(descriptor) >= static_cast<unsigned>(capacity_) ||
      entries_[descriptor].file == nullptr)
    return Errno::kEBADF;
  return entries_[descriptor].close_on_exec;
}

Status DescriptorTable::set_close_on_exec(int descriptor, bool value) {
  const LockGuard guard(lock_);
  if (static_cast<unsigned>(descriptor) >= static_cast<unsigned>(capacity_) ||
      entries_[descriptor].file == nullptr)
    return Errno::kEBADF;
  entries_[descriptor].close_on_exec = value;
  return {};
}

void DescriptorTable::close_marked() {
  for (int at = 0;; ++at) {
    File* file = nullptr;
    {
      const LockGuard guard(lock_);
      if (at >= capacity_) return;
      if (entries_[at].close_on_exec) file = take_out(at);
    }
    if (file != nullptr) finish_close(file);
  }
}

Result<Ref<DescriptorTable>> DescriptorTable::copy(std::uint32_t process) {
  auto* const made = new (std::nothrow) DescriptorTable(process);
  if (made == nullptr) return Errno::kENOMEM;
  Ref<DescriptorTable> table = Ref<DescriptorTable>::adopt(made);
  for (;;) {
    int capacity;
    {
      const LockGuard guard(lock_);
      capacity = capacity_;
    }
    if (capacity != 0 && !made->grow(capacity - 1)) return Errno::kENOMEM;
    const LockGuard guard(lock_);
    if (capacity_ > made->capacity_) continue;
    // Nobody else knows the copy yet.
    for (int i = 0; i < capacity_; ++i) {
      made->entries_[i] = entries_[i];
      if (entries_[i].file != nullptr) entries_[i].file->retain();
    }
    made->first_free_ = first_free_;
    return table;
  }
}

int DescriptorTable::next(int from) {
  const LockGuard guard(lock_);
  for (int at = std::max(from, 0); at < capacity_; ++at) {
    if (entries_[at].file != nullptr) return at;
  }
  return -1;
}

}  // namespace plumbline
