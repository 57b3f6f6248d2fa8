// epoll(7).
#include <limits>

#include "fs/epoll.hh"
#include "linux/call.hh"
#include "linux/events/descriptors.hh"
#include "linux/events/waits.hh"
#include "linux/task.hh"
#include "memory/application_memory.hh"

namespace plumbline::linux_abi {
namespace {

constexpr int kControlAdd = 1, kControlRemove = 2, kControlModify = 3;

Result<int> call_epoll_create1(unsigned flags) {
  if ((flags & ~kOpenCloseOnExec) != 0) return Errno::kEINVAL;
  return open_new<Epoll>((flags & kOpenCloseOnExec) != 0, 0u);
}

Result<int> call_epoll_create(int size) {
  if (size <= 0) return Errno::kEINVAL;
  return call_epoll_create1(0);
}

Epoll* as_epoll(File& file) {
  return file.kind() == &Epoll::kKind ? static_cast<Epoll*>(&file) : nullptr;
}

// Holds the set of a descriptor for the time of a wait: a waiting server comes here for every
// request, so without the Result and the Ref of find_file, and without asking whether a running
// task has a process and descriptors.
class EpollReference {
 public:
  explicit EpollReference(int descriptor)
      : file_(current_task().process.get()->descriptors.get()->get_retained(descriptor)) {
    if (file_ != nullptr) [[likely]]
      epoll_ = as_epoll(*file_);
  }
  ~EpollReference() {
    if (file_ != nullptr) file_->release();
  }
  EpollReference(const EpollReference&) = delete;
  EpollReference& operator=(const EpollReference&) = delete;

  Epoll* get() const { return epoll_; }
  // kEBADF or kEINVAL, when there is none.
  Errno error() const {
    return file_ == nullptr || (file_->flags() & kOpenPath) != 0 ? Errno::kEBADF : Errno::kEINVAL;
  }

 private:
  File* const file_;
  Epoll* epoll_ = nullptr;
};

Status call_epoll_ctl(int set, int operation, int descriptor, std::uint64_t event_address) {
  EpollEvent event{};
  if (operation != kControlRemove) {
    const Result<EpollEvent> loaded = load_application<EpollEvent>(event_address);
    if (!loaded) return loaded.error();
    event = *loaded;
  }
  const Result<Ref<File>> set_file = find_file(set);
  if (!set_file) return set_file.error();
  const Result<Ref<File>> file = find_file(descriptor);
  if (!file) return file.error();
  if ((*file)->poll_source() == nullptr) return Errno::kEPERM;
  Epoll* epoll = as_epoll(**set_file);
  if (epoll == nullptr) return Errno::kEINVAL;
  switch (operation) {
    case kControlAdd:
      return epoll->add(**file, descriptor, event);
    case kControlRemove:
      return epoll->remove(**file, descriptor);
    case kControlModify:
      return epoll->modify(**file, descriptor, event);
    default:
      return Errno::kEINVAL;
  }
}

constexpr int kMostEvents = std::numeric_limits<int>::max() / static_cast<int>(sizeof(EpollEvent));

bool is_range_for_events(std::uint64_t events, int most) {
  return is_application_range(events, static_cast<std::size_t>(most) * sizeof(EpollEvent));
}

// One attempt; kRestart as Epoll::wait has it.
Result<unsigned> wait_once(int set, std::uint64_t events, int most, Deadline deadline) {
  if (most <= 0 || most > kMostEvents) return Errno::kEINVAL;
  if (!is_range_for_events(events, most)) return Errno::kEFAULT;
  const EpollReference epoll(set);
  if (epoll.get() == nullptr) [[unlikely]]
    return epoll.error();
  return epoll.get()->wait(events, static_cast<unsigned>(most), deadline);
}

[[gnu::noinline]] Result<unsigned> wait_for_events(int set, std::uint64_t events, int most,
                                                   int timeout) {
  const Deadline deadline = deadline_from_milliseconds(timeout);
  return wait_uninterrupted([&] { return wait_once(set, events, most, deadline); });
}

Result<unsigned> call_epoll_wait(int set, std::uint64_t events, int most, int timeout) {
  if (most > 0 && most <= kMostEvents && is_range_for_events(events, most)) [[likely]] {
    const EpollReference epoll(set);
    if (epoll.get() != nullptr && epoll.get()->give_only(events)) [[likely]]
      return 1u;
  }
  return wait_for_events(set, events, most, timeout);
}

Result<unsigned> call_epoll_pwait(int set, std::uint64_t events, int most, int timeout,
                                  std::uint64_t mask, std::uint64_t mask_size) {
  const Deadline deadline = deadline_from_milliseconds(timeout);
  return wait_with_mask(mask, mask_size, [&] { return wait_once(set, events, most, deadline); });
}

Result<unsigned> call_epoll_pwait2(int set, std::uint64_t events, int most, std::uint64_t timeout,
                                   std::uint64_t mask, std::uint64_t mask_size) {
  const Result<Deadline> deadline = load_deadline(timeout);
  if (!deadline) return deadline.error();
  return wait_with_mask(mask, mask_size, [&] { return wait_once(set, events, most, *deadline); });
}

LINUX_CALL(213, epoll_create, call_epoll_create);
LINUX_CALL(232, epoll_wait, call_epoll_wait);
LINUX_CALL(233, epoll_ctl, call_epoll_ctl);
LINUX_CALL(281, epoll_pwait, call_epoll_pwait);
LINUX_CALL(291, epoll_create1, call_epoll_create1);
LINUX_CALL(441, epoll_pwait2, call_epoll_pwait2);

}  // namespace
}  // namespace plumbline::linux_abi
