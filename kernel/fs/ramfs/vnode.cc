// What all files of ramfs have in common, and the file system itself.
#include <utility>

#include "core/clock.hh"
#include "fs/device_files.hh"
#include "fs/file.hh"
#include "fs/inotify.hh"
#include "fs/ramfs/nodes.hh"
#include "fs/vnode_file.hh"
#include "memory/pages.hh"

namespace plumbline {

const char Ramfs::kKind = 0;

FileTime file_time_now() {
  const std::uint64_t now = wall_clock_now_ns().count;
  return {static_cast<std::int64_t>(now / 1'000'000'000),
          static_cast<std::uint32_t>(now % 1'000'000'000)};
}

Ramfs::~Ramfs() {
  if (root_) static_cast<RamDirectory*>(root_.get())->clear();
}

Status Ramfs::initialise(std::uint32_t mode) {
  auto* const root = new (std::nothrow) RamDirectory(*this, {.mode = kModeDirectory | mode});
  if (root == nullptr) return Errno::kENOMEM;
  root->add_links(2);
  root_ = Ref<RamDirectory>::adopt(root);
  return {};
}

Ref<Vnode> Ramfs::root() const { return root_; }

Status Ramfs::statistics(FileSystemStatistics& statistics) {
  const PageStatistics pages = page_statistics();
  statistics.type = 0x0102'1994;  // TMPFS_MAGIC
  statistics.blocks = pages.total_pages;
  statistics.blocks_free = statistics.blocks_available = pages.free_pages;
  // Files are limited by memory alone; Linux shows as many as there are pages.
  statistics.files = pages.total_pages;
  statistics.files_free = pages.free_pages;
  return {};
}

RamVnode::RamVnode(Ramfs& ramfs, const NewNode& node)
    : Vnode(ramfs, node.mode & kModeTypeMask),
      mode_(node.mode),
      user_(node.user),
      group_(node.group),
      created_(file_time_now()),
      ramfs_(ramfs),
      inode_(ramfs.next_inode()) {
  accessed_ = modified_ = changed_ = created_;
}

RamVnode* RamVnode::of(Vnode& vnode) {
  if (vnode.file_system().kind() != &Ramfs::kKind) return nullptr;
  return static_cast<RamVnode*>(&vnode);
}

Status RamVnode::attributes(Attributes& attributes) {
  const LockGuard guard(attribute_lock_);
  attributes.device = file_system().device();
  attributes.inode = inode_;
  attributes.mode = mode_;
  attributes.links = links();
  attributes.user = user_;
  attributes.group = group_;
  attributes.accessed = accessed_;
  attributes.modified = modified_;
  attributes.changed = changed_;
  attributes.created = created_;
  return {};
}

Status RamVnode::change(const AttributeChange& change) {
  const FileTime now = file_time_now();
  {
    const LockGuard guard(attribute_lock_);
    if (change.set_mode) mode_ = type() | (change.mode & 07777);
    if (change.set_user) user_ = change.user;
    if (change.set_group) group_ = change.group;
    if (change.set_accessed) accessed_ = change.accessed;
    if (change.set_modified) modified_ = change.modified;
    changed_ = now;
  }
  inotify::tell_file(*this, kInAttributes);
  return {};
}

Result<Ref<File>> RamVnode::open(std::uint32_t) { return Errno::kENXIO; }

void RamVnode::add_links(int count) {
  links_.store(links() + static_cast<std::uint32_t>(count), std::memory_order_relaxed);
}

void RamVnode::touch_modified() {
  const FileTime now = file_time_now();
  const LockGuard guard(attribute_lock_);
  modified_ = changed_ = now;
}

void RamVnode::touch_changed() {
  const FileTime now = file_time_now();
  const LockGuard guard(attribute_lock_);
  changed_ = now;
}

void RamVnode::touch_accessed() {
  const auto after = [](const FileTime& a, const FileTime& b) {
    return a.seconds != b.seconds ? a.seconds > b.seconds : a.nanoseconds > b.nanoseconds;
  };
  {
    const LockGuard guard(attribute_lock_);
    if (after(accessed_, modified_) && after(accessed_, changed_)) return;
  }
  const FileTime now = file_time_now();
  const LockGuard guard(attribute_lock_);
  accessed_ = now;
}

Status RamLink::attributes(Attributes& attributes) {
  (void)RamVnode::attributes(attributes);
  attributes.mode = kModeSymbolicLink | 0777;
  attributes.size = target_->text().size();
  return {};
}

Status RamSpecial::attributes(Attributes& attributes) {
  (void)RamVnode::attributes(attributes);
  attributes.special_device = device_;
  return {};
}

Result<Ref<File>> RamSpecial::open_fifo(std::uint32_t flags) {
  Ref<Pipe> pipe;
  {
    const LockGuard guard(pipe_lock_);
    if (!pipe_) {
      Result<Ref<Pipe>> made = Pipe::create();
      if (!made) return made.error();
      pipe_ = std::move(*made);
    }
    pipe = pipe_;
  }
  std::uint32_t seen = 0;
  if (const Status status = pipe->open_fifo(flags, seen); !status) return status.error();
  // Unlike a pipe's end it has the attributes and the path of its node.
  using FifoEnd = FileOfVnode<PipeEnd>;
  auto* const end = new (std::nothrow) FifoEnd(Ref<Vnode>::share(this), pipe, flags, seen);
  if (end == nullptr) {
    const std::uint32_t access = flags & kOpenAccessMask;
    pipe->close_end(access != kOpenWriteOnly, access != kOpenReadOnly);
    return Errno::kENOMEM;
  }
  return Ref<File>(Ref<FifoEnd>::adopt(end));
}

Result<Ref<File>> RamSpecial::open(std::uint32_t flags) {
  if (type() == kModeFifo) return open_fifo(flags);
  if (type() == kModeCharacterDevice) return open_device(Ref<Vnode>::share(this), device_, flags);
  return Errno::kENXIO;
}

}  // namespace plumbline
