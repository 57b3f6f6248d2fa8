// /dev/console: a program's standard input and output. Not a terminal: what is written goes to the
// virtio console as it is, at once; without that device, to the serial port.
#include "drivers/virtio/console.hh"

#include <algorithm>
#include <array>
#include <atomic>
#include <string_view>

#include "core/boot_options.hh"
#include "core/init_calls.hh"
#include "core/log.hh"
#include "fs/device_files.hh"
#include "fs/vnode_file.hh"
#include "platform/platform.hh"
#include "sched/thread.hh"
#include "sync/interruptible_wait.hh"
#include "sync/lock_guard.hh"
#include "sync/mutex.hh"

namespace plumbline {
namespace {

// How often the device is asked while somebody waits for input: it is polled, since an interrupt
// of its own would cost a vector and the set-up of an MSI-X entry for what hardly any program uses.
constexpr Nanoseconds kInputInterval = milliseconds(5);

class Console {
 public:
  // Sets up the device at the first use: that costs exits, which a program without output saves.
  void prepare() {
    const LockGuard guard(device_lock_);
    if (prepared_) return;
    prepared_ = true;
    has_device_ = virtio::initialise_console();
    if (!has_device_) log_info("no virtio console: programs write to the serial port");
  }

  std::size_t write(IoCursor& from) {
    // One writer at a time: a write(2) comes out in one piece.
    const LockGuard guard(device_lock_);
    std::size_t done = 0;
    while (from.remaining() != 0 && !from.faulted()) {
      const std::size_t piece = from.take(std::as_writable_bytes(std::span(output_)));
      const std::span<const char> text(output_.data(), piece);
      if (has_device_) {
        virtio::console_write(text);
      } else {
        serial_write(text);
      }
      done += piece;
    }
    return done;
  }

  // Takes what has been typed. 0: nothing yet.
  std::size_t read(std::span<char> text) {
    const LockGuard guard(device_lock_);
    if (kept_length_ == 0) fetch();
    const std::size_t length = std::min(text.size(), kept_length_);
    std::copy_n(kept_.data() + kept_at_, length, text.data());
    kept_at_ += length;
    kept_length_ -= length;
    return length;
  }

  bool has_input() {
    const LockGuard guard(device_lock_);
    if (kept_length_ == 0) fetch();
    return kept_length_ != 0;
  }

  // Starts the thread that looks for input, once somebody wants to be told.
  void watch_input() {
    if (watching_.exchange(true, std::memory_order_acq_rel)) return;
    const auto watch = [](void* argument) { static_cast<Console*>(argument)->watch(); };
    if (spawn({.name = "console-input"}, watch, this) == nullptr)
      watching_.store(false, std::memory_order_release);
  }

  // Until the next look at the device finds something.
  Status wait_for_input() {
    const std::uint32_t seen = looks_with_input_.load(std::memory_order_relaxed);
    return wait_interruptibly(
        arrived_, [&] { return looks_with_input_.load(std::memory_order_acquire) != seen; });
  }
  PollSource& source() { return source_; }

 private:
  void fetch() {
    kept_at_ = 0;
    kept_length_ = has_device_ ? virtio::console_read(kept_) : 0;
  }

  void watch() {
    for (;;) {
      if (has_input()) {
        // Release: the reader that sees it takes the lock anyway; the count alone must not be late.
        looks_with_input_.fetch_add(1, std::memory_order_release);
        arrived_.wake_all();
        source_.notify(kPollIn | kPollReadNormal);
      }
      sleep_for(kInputInterval);
    }
  }

  Mutex device_lock_;
  bool prepared_ = false, has_device_ = false;
  std::array<char, 3072> output_{};
  std::array<char, 256> kept_{};
  std::size_t kept_at_ = 0, kept_length_ = 0;
  std::atomic<bool> watching_{false};
  std::atomic<std::uint32_t> looks_with_input_{0};
  WaitQueue arrived_;
  PollSource source_;
};
constinit Console console;

class ConsoleFile final : public VnodeFile {
 public:
  ConsoleFile(Ref<Vnode> node, std::uint32_t flags) : VnodeFile(std::move(node), flags) {
    console.prepare();
  }

  Result<std::size_t> read(IoCursor& to, std::uint64_t) override {
    std::array<char, 256> text;
    if (to.remaining() == 0) return std::size_t{0};
    const std::size_t most = std::min(text.size(), to.remaining());
    std::size_t length = console.read(std::span(text).first(most));
    if (length == 0) {
      if (nonblocking()) return Errno::kEAGAIN;
      console.watch_input();
      do {
        const Status status = console.wait_for_input();
        if (!status) return status.error();
        length = console.read(std::span(text).first(most));
      } while (length == 0);  // another reader was faster
    }
    const std::size_t done = to.put(std::as_bytes(std::span(text).first(length)));
    if (done == 0) return Errno::kEFAULT;
    return done;
  }
  Result<std::size_t> write(IoCursor& from, std::uint64_t&) override {
    const std::size_t wanted = from.remaining();
    const std::size_t done = console.write(from);
    if (done == 0 && wanted != 0) return Errno::kEFAULT;
    return done;
  }
  PollEvents poll() override {
    const PollEvents writable = kPollOut | kPollWriteNormal;
    return console.has_input() ? writable | kPollIn | kPollReadNormal : writable;
  }
  PollSource* poll_source() override {
    console.watch_input();
    return &console.source();
  }
};

// In this mode the device belongs to the program; the log stays on the serial port.
bool runs_program() {
  for (BootOptionBase* const option : boot_options()) {
    if (std::string_view(option->name) == "run")
      return static_cast<BootOption<std::string_view>*>(option)->get() == "program";
  }
  return false;
}

void register_console() {
  register_device(device_number(5, 1), open_vnode_file<ConsoleFile>);
  if (runs_program()) virtio::reserve_console();
}
INIT_CALL(InitLevel::kDevice, register_console);

}  // namespace
}  // namespace plumbline
