// Telling programs what happens to files: inotify(7).
//
// Who changes files tells it here: one load when nobody watches anything. A watch does not keep its
// file; it ends with it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/intrusive_list.hh"
#include "fs/anonymous_file.hh"
#include "fs/poll.hh"
#include "sync/mutex.hh"
#include "sync/wait_queue.hh"

namespace plumbline {

class Vnode;

// Values: Linux, include/uapi/linux/inotify.h.
inline constexpr std::uint32_t kInAccess = 0x1, kInModify = 0x2, kInAttributes = 0x4,
                               kInCloseWrite = 0x8, kInCloseNoWrite = 0x10, kInOpen = 0x20,
                               kInMovedFrom = 0x40, kInMovedTo = 0x80, kInCreate = 0x100,
                               kInDelete = 0x200, kInDeleteSelf = 0x400, kInMoveSelf = 0x800,
                               kInAllEvents = 0xfff, kInUnmount = 0x2000, kInOverflow = 0x4000,
                               kInIgnored = 0x8000, kInOnlyDirectory = 0x0100'0000,
                               kInDontFollow = 0x0200'0000, kInExcludeUnlinked = 0x0400'0000,
                               kInMaskCreate = 0x1000'0000, kInMaskAdd = 0x2000'0000,
                               kInIsDirectory = 0x4000'0000, kInOneShot = 0x8000'0000;

namespace inotify {

extern std::atomic<std::uint32_t> watch_count;
inline bool watched() { return watch_count.load(std::memory_order_relaxed) != 0; }

void tell_file_watchers(Vnode& vnode, std::uint32_t event);
void tell_entry_watchers(Vnode& directory, std::uint32_t event, std::string_view name,
                         bool is_directory, std::uint32_t cookie);
void tell_self_watchers(Vnode& vnode, std::uint32_t event);
void end_watches(Vnode& vnode);

// A file was opened, read, written, truncated, changed or closed: for those who watch it and, with
// its name, for those who watch the directory where it stands.
inline void tell_file(Vnode& vnode, std::uint32_t event) {
  if (watched()) tell_file_watchers(vnode, event);
}
// An entry of a directory was made, removed or moved; `cookie` joins the two halves of a move.
inline void tell_entry(Vnode& directory, std::uint32_t event, std::string_view name,
                       bool is_directory, std::uint32_t cookie = 0) {
  if (watched()) tell_entry_watchers(directory, event, name, is_directory, cookie);
}
// For those who watch the file itself: it was moved, or its number of links changed.
inline void tell_self(Vnode& vnode, std::uint32_t event) {
  if (watched()) tell_self_watchers(vnode, event);
}
// The vnode's last reference is gone.
inline void vnode_gone(Vnode& vnode) {
  if (watched()) end_watches(vnode);
}
// A new number for a move.
std::uint32_t next_cookie();

}  // namespace inotify

// An inotify instance: its watches, and the events that wait to be read.
class Inotify final : public AnonymousFile {
 public:
  // Linux: /proc/sys/fs/inotify/max_queued_events and max_user_watches.
  static constexpr unsigned kMostEvents = 16384;
  static constexpr unsigned kMostWatches = 65536;

  explicit Inotify(std::uint32_t flags) : AnonymousFile("inotify", kOpenReadOnly | flags) {}

  // Watches a file for `mask`, which may hold kInMaskAdd, kInMaskCreate, kInOneShot and
  // kInExcludeUnlinked; returns the watch's number. kEEXIST, kENOSPC, kENOMEM.
  Result<int> add_watch(Vnode& vnode, std::uint32_t mask);
  // kEINVAL: no such watch.
  Status remove_watch(int number);

  Result<std::size_t> read(IoCursor& to, std::uint64_t offset) override;
  Result<long> ioctl(std::uint32_t request, std::uint64_t argument) override;
  PollEvents poll() override;
  PollSource* poll_source() override { return &source_; }
  const void* kind() const override { return &kKind; }
  static const char kKind;

 private:
  friend class InotifyRegistry;

  struct Event {
    ListHook hook;
    // struct inotify_event, followed by the name, padded with zeros.
    std::int32_t watch;
    std::uint32_t mask, cookie, length;
    char name[];

    static constexpr std::size_t kHeader = 16;
    std::size_t size() const { return kHeader + length; }
  };

  ~Inotify() override;

  void queue(int watch, std::uint32_t mask, std::uint32_t cookie, std::string_view name);
  Event* make_event(int watch, std::uint32_t mask, std::uint32_t cookie, std::string_view name);
  static void free_event(Event* event);

  int last_number_ = 0;  // under the registry's lock
  Mutex lock_;
  IntrusiveList<Event, &Event::hook> events_;
  std::atomic<unsigned> event_count_{0};
  std::size_t event_bytes_ = 0;
  WaitQueue wait_;
  PollSource source_;
};

}  // namespace plumbline
