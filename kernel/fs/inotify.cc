// The queue of events of an inotify instance.
#include "fs/inotify.hh"

#include <cstring>
#include <new>
#include <span>

#include "fs/io_cursor.hh"
#include "memory/application_memory.hh"
#include "sync/interruptible_wait.hh"
#include "sync/lock_guard.hh"

namespace plumbline {

const char Inotify::kKind = 0;

void Inotify::free_event(Event* event) { ::operator delete(event); }

Inotify::Event* Inotify::make_event(int watch, std::uint32_t mask, std::uint32_t cookie,
                                    std::string_view name) {
  // With at least one zero behind it; the next structure stays aligned.
  const std::size_t length = name.empty() ? 0 : (name.size() / Event::kHeader + 1) * Event::kHeader;
  void* memory = ::operator new(sizeof(Event) + length, std::nothrow);
  if (memory == nullptr) return nullptr;
  auto* event = new (memory) Event{{}, watch, mask, cookie, static_cast<std::uint32_t>(length)};
  std::memset(event->name, 0, length);
  std::memcpy(event->name, name.data(), name.size());
  return event;
}

void Inotify::queue(int watch, std::uint32_t mask, std::uint32_t cookie, std::string_view name) {
  {
    const LockGuard guard(lock_);
    Event* last = events_.back();
    // What repeats the last event says nothing new.
    if (last != nullptr && last->watch == watch && last->mask == mask &&
        name == std::string_view(last->name, last->length > 0 ? std::strlen(last->name) : 0))
      return;
    const unsigned count = event_count_.load(std::memory_order_relaxed);
    Event* event = nullptr;
    if (count < kMostEvents) event = make_event(watch, mask, cookie, name);
    if (event == nullptr) {
      // Once, in place of all that are lost.
      if (last != nullptr && last->mask == kInOverflow) return;
      event = make_event(-1, kInOverflow, 0, {});
      if (event == nullptr) return;
    }
    events_.push_back(event);
    event_bytes_ += event->size();
    event_count_.store(count + 1, std::memory_order_relaxed);
  }
  wait_.wake_one();
  source_.notify(kPollIn | kPollReadNormal);
}

Result<std::size_t> Inotify::read(IoCursor& to, std::uint64_t) {
  for (;;) {
    std::size_t total = 0;
    {
      const LockGuard guard(lock_);
      while (Event* event = events_.front()) {
        if (event->size() > to.remaining()) {
          if (total == 0) return Errno::kEINVAL;
          break;
        }
        // The header as it lies, then the name.
        const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(&event->watch),
                                               event->size());
        if (to.put(bytes) != bytes.size()) return Errno::kEFAULT;
        total += bytes.size();
        events_.remove(event);
        event_bytes_ -= event->size();
        event_count_.fetch_sub(1, std::memory_order_relaxed);
        free_event(event);
      }
    }
    if (total != 0) return total;
    if (nonblocking()) return Errno::kEAGAIN;
    const Status waited = wait_interruptibly(
        wait_, [this] { return event_count_.load(std::memory_order_relaxed) != 0; });
    if (!waited) return waited.error();
  }
}

Result<long> Inotify::ioctl(std::uint32_t request, std::uint64_t argument) {
  constexpr std::uint32_t kFionread = 0x541b;
  if (request != kFionread) return Errno::kENOTTY;
  std::size_t bytes;
  {
    const LockGuard guard(lock_);
    bytes = event_bytes_;
  }
  const Status stored = store_application(argument, static_cast<int>(bytes));
  if (!stored) return stored.error();
  return 0L;
}

PollEvents Inotify::poll() {
  return event_count_.load(std::memory_order_relaxed) != 0 ? kPollIn | kPollReadNormal : 0;
}

}  // namespace plumbline
