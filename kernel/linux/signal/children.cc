// SIGCHLD: what a parent is told, and whether it wants to know.
#include "linux/process_table.hh"
#include "linux/signal/delivery.hh"
#include "linux/signal/signal_numbers.hh"
#include "linux/signal/signals.hh"
#include "linux/threads/child_status.hh"
#include "sync/lock_guard.hh"

namespace plumbline::linux_abi {

bool notify_parent(Process& parent, unsigned signal, std::uint32_t child, std::uint32_t user,
                   int code, int status) {
  const bool ended = code == kChildExited || code == kChildKilled || code == kChildDumped;
  SignalAction action;
  {
    const LockGuard guard(signal_lock());
    action = parent.handlers.actions[kSIGCHLD];
  }
  bool reaped = false;
  // sigaction(2), SA_NOCLDWAIT and SA_NOCLDSTOP; they hold for SIGCHLD alone.
  if (signal == kSIGCHLD) {
    if (ended) {
      reaped = action.handler == kHandlerIgnore || (action.flags & kActionNoChildWait) != 0;
    } else if (action.handler == kHandlerIgnore || (action.flags & kActionNoChildStop) != 0) {
      return false;
    }
  }
  const bool unwanted = signal == kSIGCHLD && action.handler == kHandlerIgnore;
  if (signal != 0 && !unwanted) {
    SignalInformation information = sent_signal(signal, code, child, user);
    information.fields[1] = static_cast<std::uint32_t>(status);
    static_cast<void>(send_signal(parent, information));
  }
  return reaped;
}

void report_stop(Process& process, int code, int status) {
  Ref<Process> parent;
  {
    const LockGuard guard(process_table_lock());
    parent = Ref<Process>::share(process.parent);
  }
  if (!parent) return;
  notify_parent(*parent, kSIGCHLD, process.id, process.user, code, status);
  parent->changed.wake_all();
}

}  // namespace plumbline::linux_abi
