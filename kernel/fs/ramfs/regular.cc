// Regular files in memory.
#include <algorithm>
#include <cstring>
#include <utility>

#include "core/units.hh"
#include "fs/inotify.hh"
#include "fs/ramfs/nodes.hh"
#include "fs/ramfs/regular_file.hh"
#include "memory/pages.hh"

namespace plumbline {
namespace {

// Linux: MAX_LFS_FILESIZE.
constexpr std::uint64_t kLargestFile = (std::uint64_t{1} << 63) - 1;

// fallocate(2).
constexpr int kKeepSize = 1, kPunchHole = 2;

std::span<std::byte> page_bytes(void* page, std::uint64_t offset, std::size_t most) {
  const std::size_t within = offset % kPageSize;
  return {static_cast<std::byte*>(page) + within, std::min(kPageSize - within, most)};
}

}  // namespace

std::size_t RamRegular::Content::describe(std::span<char> text) const {
  const Result<std::size_t> length = node_.path(text);
  return length ? *length : 0;
}

Result<Ref<File>> RamRegular::open(std::uint32_t flags) {
  auto* const file = new (std::nothrow) RamFile(Ref<RamRegular>::share(this), flags);
  if (file == nullptr) return Errno::kENOMEM;
  return Ref<File>::adopt(file);
}

Status RamRegular::attributes(Attributes& attributes) {
  (void)RamVnode::attributes(attributes);
  attributes.size = content_.size();
  attributes.blocks = content_.page_count() * (kPageSize / 512);
  return {};
}

Result<std::size_t> RamRegular::read(IoCursor& to, std::uint64_t offset) {
  std::size_t done = 0;
  {
    const LockGuard guard(content_.content_lock);
    const std::uint64_t size = content_.size();
    while (offset < size && to.remaining() != 0 && !to.faulted()) {
      const auto wanted = std::min<std::uint64_t>(to.remaining(), size - offset);
      void* const page = content_.find(offset / kPageSize);
      const std::size_t piece = std::min<std::uint64_t>(kPageSize - offset % kPageSize, wanted);
      const std::size_t moved =
          page != nullptr ? to.put(page_bytes(page, offset, piece)) : to.put_zeros(piece);
      done += moved;
      offset += moved;
    }
  }
  if (done == 0 && to.faulted()) return Errno::kEFAULT;
  touch_accessed();
  return done;
}

Result<std::size_t> RamRegular::write(IoCursor& from, std::uint64_t& offset, bool append) {
  std::size_t done = 0;
  Errno error = Errno::kNone;
  {
    const LockGuard guard(content_.content_lock);
    const std::uint64_t old_size = content_.size();
    if (append) offset = old_size;
    if (from.remaining() == 0) return std::size_t{0};
    if (offset >= kLargestFile) return Errno::kEFBIG;
    const std::uint32_t sealed = seals.load(std::memory_order_relaxed);
    if ((sealed & (kSealWrite | kSealFutureWrite)) != 0) return Errno::kEPERM;
    if ((sealed & kSealGrow) != 0 && offset + from.remaining() > old_size) return Errno::kEPERM;
    std::uint64_t at = offset;
    while (from.remaining() != 0 && !from.faulted() && at < kLargestFile) {
      void* const page = content_.find_or_create(at / kPageSize);
      if (page == nullptr) {
        error = Errno::kENOSPC;
        break;
      }
      const std::span<std::byte> place =
          page_bytes(page, at, std::min<std::uint64_t>(from.remaining(), kLargestFile - at));
      // Longer before the bytes come: growing clears what lies behind the end.
      content_.grow(at + place.size());
      const std::size_t moved = from.take(place);
      at += moved;
      done += moved;
      if (moved < place.size() && content_.size() > old_size)
        content_.resize(done != 0 ? std::max(at, old_size) : old_size);
    }
  }
  if (done != 0) {
    touch_modified();
    return done;
  }
  return error != Errno::kNone ? error : Errno::kEFAULT;
}

Status RamRegular::truncate(std::uint64_t size) {
  if (size > kLargestFile) return Errno::kEFBIG;
  {
    const LockGuard guard(content_.content_lock);
    const std::uint32_t sealed = seals.load(std::memory_order_relaxed);
    const std::uint64_t old_size = content_.size();
    if (((sealed & kSealShrink) != 0 && size < old_size) ||
        ((sealed & kSealGrow) != 0 && size > old_size))
      return Errno::kEPERM;
    if (size != old_size) content_.resize(size);
  }
  touch_modified();
  inotify::tell_file(*this, kInModify);
  return {};
}

Result<std::uint64_t> RamRegular::seek_data(std::uint64_t from, bool hole) {
  const LockGuard guard(content_.content_lock);
  const std::uint64_t size = content_.size();
  if (from >= size) return Errno::kENXIO;
  const std::uint64_t end = align_up(size, kPageSize) / kPageSize;
  const std::uint64_t first = from / kPageSize;
  const std::uint64_t found =
      hole ? content_.next_hole(first, end) : content_.next_page(first, end);
  if (found == end) {
    if (!hole) return Errno::kENXIO;
    return size;
  }
  return std::max(from, found * kPageSize);
}

Status RamRegular::allocate(int mode, std::uint64_t offset, std::uint64_t length) {
  if (length == 0) return Errno::kEINVAL;
  if (offset > kLargestFile || length > kLargestFile - offset) return Errno::kEFBIG;
  const std::uint64_t end = offset + length;
  const LockGuard guard(content_.content_lock);
  const std::uint32_t sealed = seals.load(std::memory_order_relaxed);
  if (mode == (kPunchHole | kKeepSize)) {
    if ((sealed & (kSealWrite | kSealFutureWrite)) != 0) return Errno::kEPERM;
    content_.punch_hole(offset, length);
    touch_modified();
    return {};
  }
  if ((mode & ~kKeepSize) != 0) return Errno::kEOPNOTSUPP;
  if ((sealed & kSealGrow) != 0 && end > content_.size()) return Errno::kEPERM;
  const std::uint64_t first = offset / kPageSize, last = (end + kPageSize - 1) / kPageSize;
  // Before trying, since trying would take all memory first.
  if (last - first > page_statistics().free_pages) return Errno::kENOSPC;
  for (std::uint64_t index = first; index < last; ++index) {
    if (content_.find_or_create(index) == nullptr) return Errno::kENOSPC;
  }
  if ((mode & kKeepSize) == 0) content_.grow(end);
  touch_modified();
  return {};
}

RamRegular* ram_regular_of(Vnode* vnode) {
  if (vnode == nullptr || vnode->type() != kModeRegular) return nullptr;
  return static_cast<RamRegular*>(RamVnode::of(*vnode));
}

namespace {

// What files without a directory get their numbers from. Made once and never destroyed: files may
// outlive everything else.
Ramfs* memory_files() {
  static constinit Mutex lock;
  static constinit Ramfs* ramfs = nullptr;
  const LockGuard guard(lock);
  if (ramfs == nullptr) ramfs = new (std::nothrow) Ramfs;
  return ramfs;
}

}  // namespace

Result<Ref<Vnode>> create_memory_file(std::string_view name, std::uint32_t mode,
                                      std::uint32_t seals) {
  Ramfs* const ramfs = memory_files();
  if (ramfs == nullptr) return Errno::kENOMEM;
  static constexpr std::string_view kPrefix = "/memfd:";
  char text[kLongestName + 1];
  if (name.size() > kLongestName - kPrefix.size()) return Errno::kEINVAL;
  std::memcpy(text, kPrefix.data(), kPrefix.size());
  std::memcpy(text + kPrefix.size(), name.data(), name.size());
  auto* const made = new (std::nothrow) RamRegular(*ramfs, {.mode = kModeRegular | mode});
  if (made == nullptr) return Errno::kENOMEM;
  Ref<RamRegular> node = Ref<RamRegular>::adopt(made);
  Ref<Name> shared_name = Name::create({text, kPrefix.size() + name.size()});
  if (!shared_name) return Errno::kENOMEM;
  node->set_place(nullptr, std::move(shared_name));
  node->set_removed();
  node->seals.store(seals, std::memory_order_relaxed);
  return Ref<Vnode>(std::move(node));
}

Status fill_memory_file(Vnode& vnode, std::span<std::byte> bytes, bool lend) {
  RamRegular* const node = ram_regular_of(&vnode);
  if (node == nullptr) return Errno::kEINVAL;
  AnonymousObject& content = node->content();
  const LockGuard guard(content.content_lock);
  for (std::size_t at = 0; at < bytes.size(); at += kPageSize) {
    const std::size_t piece = std::min(kPageSize, bytes.size() - at);
    // Not the last part of a page: what follows it in the archive would show in mappings.
    if (lend && piece == kPageSize) {
      if (!content.lend(at / kPageSize, bytes.data() + at)) return Errno::kENOMEM;
      continue;
    }
    void* const page = content.find_or_create(at / kPageSize);
    if (page == nullptr) return Errno::kENOMEM;
    std::memcpy(page, bytes.data() + at, piece);
  }
  content.grow(bytes.size());
  return {};
}

Result<std::uint32_t> memory_file_seals(Vnode& vnode) {
  RamRegular* const node = ram_regular_of(&vnode);
  if (node == nullptr) return Errno::kEINVAL;
  return node->seals.load(std::memory_order_relaxed);
}

Status add_memory_file_seals(Vnode& vnode, std::uint32_t seals) {
  RamRegular* const node = ram_regular_of(&vnode);
  if (node == nullptr || (seals & ~std::uint32_t{0x1f}) != 0) return Errno::kEINVAL;
  const LockGuard guard(node->content().content_lock);
  const std::uint32_t old = node->seals.load(std::memory_order_relaxed);
  if ((old & kSealSeal) != 0) return Errno::kEPERM;
  node->seals.store(old | seals, std::memory_order_relaxed);
  return {};
}

}  // namespace plumbline
