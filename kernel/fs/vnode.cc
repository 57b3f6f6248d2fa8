#include "fs/vnode.hh"

#include <algorithm>
#include <cstring>
#include <utility>

#include "fs/file_locks.hh"
#include "fs/file_system.hh"
#include "fs/inotify.hh"
#include "sync/lock_guard.hh"
#include "sync/spinlock.hh"

namespace plumbline {
namespace {

// Over all vnodes' places: a path is read in one piece, whatever is renamed meanwhile.
Spinlock place_lock;

constexpr std::string_view kDeleted = " (deleted)";

}  // namespace

Vnode::~Vnode() {
  inotify::vnode_gone(*this);
  delete locks.load(std::memory_order_relaxed);
}

Result<Ref<Vnode>> Vnode::lookup(std::string_view) { return Errno::kENOTDIR; }
Result<Ref<Vnode>> Vnode::create(std::string_view, const NewNode&) { return Errno::kEPERM; }
Result<Ref<Vnode>> Vnode::create_unnamed(const NewNode&) { return Errno::kEOPNOTSUPP; }
Status Vnode::link(std::string_view, Vnode&) { return Errno::kEPERM; }
Status Vnode::remove(std::string_view, bool) { return Errno::kEPERM; }
Status Vnode::rename(std::string_view, Vnode&, std::string_view, std::uint32_t) {
  return Errno::kEPERM;
}
Status Vnode::read_directory(DirectorySink&, std::uint64_t&) { return Errno::kENOTDIR; }
Result<std::size_t> Vnode::read_link(std::span<char> text) {
  if (type_ != kModeSymbolicLink) return Errno::kEINVAL;
  const std::string_view target = link_text();
  const std::size_t length = std::min(text.size(), target.size());
  std::memcpy(text.data(), target.data(), length);
  return length;
}
Status Vnode::change(const AttributeChange&) { return Errno::kEPERM; }
Status Vnode::truncate(std::uint64_t) {
  return type_ == kModeDirectory ? Errno::kEISDIR : Errno::kEINVAL;
}

Ref<Vnode> Vnode::parent() const {
  const LockGuard guard(place_lock);
  return parent_;
}

Ref<Name> Vnode::name() const {
  const LockGuard guard(place_lock);
  return name_;
}

void Vnode::set_place(Ref<Vnode> parent, Ref<Name> name) {
  {
    const LockGuard guard(place_lock);
    std::swap(parent_, parent);
    std::swap(name_, name);
    removed_ = false;
  }
  // The old ones are released here, outside of the lock: that may end a vnode.
}

void Vnode::set_removed() {
  const LockGuard guard(place_lock);
  removed_ = true;
}

bool Vnode::removed() const {
  const LockGuard guard(place_lock);
  return removed_;
}

Result<std::size_t> Vnode::path(std::span<char> text) const {
  const LockGuard guard(place_lock);
  // Written from the end of `text` towards its beginning.
  std::size_t at = text.size();
  const auto prepend = [&](std::string_view part) {
    if (part.size() > at) return false;
    at -= part.size();
    std::memcpy(text.data() + at, part.data(), part.size());
    return true;
  };
  if (removed_ && !prepend(kDeleted)) return Errno::kENAMETOOLONG;
  bool any = false;
  const Vnode* vnode = this;
  for (;;) {
    while (vnode->covered_ != nullptr) vnode = vnode->covered_;
    if (!vnode->name_) break;
    if (!prepend(vnode->name_->text())) return Errno::kENAMETOOLONG;
    any = true;
    if (!vnode->parent_) break;  // a memfd: its name is no path
    if (!prepend("/")) return Errno::kENAMETOOLONG;
    vnode = vnode->parent_.get();
  }
  if (!any && !prepend("/")) return Errno::kENAMETOOLONG;
  const std::size_t length = text.size() - at;
  std::memmove(text.data(), text.data() + at, length);
  return length;
}

}  // namespace plumbline
