#include "linux/files/async_signals.hh"

#include <new>
#include <utility>

#include "linux/process_table.hh"
#include "linux/signal/signal_numbers.hh"
#include "linux/signal/signals.hh"
#include "sync/lock_guard.hh"
#include "sync/mutex.hh"

namespace plumbline::linux_abi {
namespace {

// Over all files' watches: changing them is rare.
Mutex watches_lock;

// The reference to the owner is taken when it is named: an interrupt handler must not drop the last
// one.
class AsyncWatch final : public PollObserver, public FileWatcher {
 public:
  AsyncWatch(File& file, PollSource& source, Ref<Process> owner)
      : file_(file), source_(source), owner_(std::move(owner)) {
    file_.watchers.add(*this);
    source_.attach(*this);
  }
  virtual ~AsyncWatch() {
    source_.detach(*this);
    file_.watchers.remove(*this);
  }

  bool readiness_changed(PollEvents) override {
    SignalInformation information{};
    information.signal = kSIGIO;
    information.code = kCodeKernel;
    (void)send_signal(*owner_, information);
    return false;  // nobody has been woken who would look at the file alone
  }
  void file_gone() override { delete this; }

 private:
  File& file_;
  PollSource& source_;
  const Ref<Process> owner_;
};

}  // namespace

Status update_async_signals(File& file) {
  const bool wanted = (file.flags() & kOpenAsync) != 0;
  // The usual case: asked only about other flags.
  if (!wanted && file.signal_watch.load(std::memory_order_relaxed) == nullptr) return {};
  PollSource* const source = file.poll_source();
  if (source == nullptr) return {};
  const LockGuard guard(watches_lock);
  delete static_cast<AsyncWatch*>(file.signal_watch.exchange(nullptr, std::memory_order_relaxed));
  const int owner = file.signal_owner.load(std::memory_order_relaxed);
  if (!wanted || owner <= 0) return {};
  Ref<Process> process = find_process(static_cast<ProcessId>(owner));
  if (!process) return {};
  auto* const watch = new (std::nothrow) AsyncWatch(file, *source, std::move(process));
  if (watch == nullptr) return Errno::kENOMEM;
  file.signal_watch.store(watch, std::memory_order_relaxed);
  return {};
}

}  // namespace plumbline::linux_abi
