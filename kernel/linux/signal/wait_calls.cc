// Waiting for signals: rt_sigsuspend(2), pause(2), rt_sigtimedwait(2).
#include "linux/call.hh"
#include "linux/signal/delivery.hh"
#include "linux/signal/signal_numbers.hh"
#include "linux/signal/signals.hh"
#include "linux/task.hh"
#include "linux/time/timespec.hh"
#include "memory/application_memory.hh"
#include "sync/interruptible_wait.hh"
#include "sync/lock_guard.hh"

namespace plumbline::linux_abi {
namespace {

// Until a signal that is not ignored can be delivered.
void wait_for_delivery() {
  WaitQueue nobody;
  do {
    static_cast<void>(wait_interruptibly(nobody, [] { return false; }));
  } while (!signal_deliverable());
}

Status call_pause() {
  wait_for_delivery();
  return Errno::kEINTR;
}

Status call_rt_sigsuspend(std::uint64_t address, std::uint64_t size) {
  if (size != sizeof(SignalMask)) return Errno::kEINVAL;
  const Result<SignalMask> mask = load_application<SignalMask>(address);
  if (!mask) return mask.error();
  set_temporary_blocked(*mask);
  wait_for_delivery();
  end_temporary_blocked(true);
  return Errno::kEINTR;
}

// Makes senders choose this task for signals that it blocks but waits for.
class WaitedFor {
 public:
  explicit WaitedFor(SignalMask signals) { set(signals); }
  ~WaitedFor() { set(0); }
  WaitedFor(const WaitedFor&) = delete;
  WaitedFor& operator=(const WaitedFor&) = delete;

 private:
  static void set(SignalMask signals) {
    const LockGuard guard(signal_lock());
    current_task().signal_taker.waited_for = signals;
  }
};

// kEAGAIN: none came in time; kEINTR: another one is to be handled.
Status wait_for_signal(SignalMask wanted, SignalInformation& information, Deadline deadline) {
  if (dequeue_signal(wanted, information)) return {};
  const WaitedFor announced(wanted);
  WaitQueue nobody;
  for (;;) {
    bool taken = false;
    const Status status = wait_interruptibly(
        nobody, [&] { return taken = dequeue_signal(wanted, information); }, deadline);
    if (taken) {
      // The attention was for this signal: without others it is over.
      signal_deliverable();
      return {};
    }
    if (status.error() == Errno::kETIMEDOUT) return Errno::kEAGAIN;
    if (signal_deliverable()) return Errno::kEINTR;
  }
}

Result<int> call_rt_sigtimedwait(std::uint64_t mask_address, std::uint64_t information_address,
                                 std::uint64_t timeout_address, std::uint64_t size) {
  if (size != sizeof(SignalMask)) return Errno::kEINVAL;
  const Result<SignalMask> mask = load_application<SignalMask>(mask_address);
  if (!mask) return mask.error();
  Deadline deadline = Deadline::never();
  if (timeout_address != 0) {
    const Result<TimeSpec> timeout = load_application<TimeSpec>(timeout_address);
    if (!timeout) return timeout.error();
    const Result<Nanoseconds> span = from_timespec(*timeout);
    if (!span) return span.error();
    deadline = Deadline::after(*span);
  }
  SignalInformation information;
  if (Status status = wait_for_signal(*mask, information, deadline); !status) return status.error();
  if (information_address != 0) {
    if (Status status = store_application(information_address, information); !status)
      return status.error();
  }
  return information.signal;
}

LINUX_CALL(34, pause, call_pause);
LINUX_CALL(128, rt_sigtimedwait, call_rt_sigtimedwait);
LINUX_CALL(130, rt_sigsuspend, call_rt_sigsuspend);

}  // namespace
}  // namespace plumbline::linux_abi
