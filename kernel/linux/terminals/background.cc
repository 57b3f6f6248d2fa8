// The controlling terminal: whose it is, who stands in front, what others may not do
// (tty_ioctl(4), POSIX General Terminal Interface).
#include "linux/terminals/terminal.hh"
#include "memory/application_memory.hh"
#include "sync/lock_guard.hh"

namespace plumbline::linux_abi {

// What a group other than the one in front does to its controlling terminal stops the group.
Status Terminal::check_background(const User& user, unsigned signal) {
  if (user.end == TerminalEnd::kMaster) return {};
  const Caller caller = calling_process();
  if (!controls(caller)) return {};
  {
    const LockGuard guard(lock_);
    if (foreground_ == 0 || foreground_ == caller.group) return {};
  }
  return stop_background(signal);
}

Status Terminal::take_control(const User&, bool steal) {
  const Caller caller = calling_process();
  GroupId robbed = 0;
  {
    const LockGuard guard(lock_);
    if (caller.leads_session() && session_ == caller.session && controls(caller)) return {};
    if (!caller.leads_session() || caller.terminal != 0) return Errno::kEPERM;
    if (session_ != 0) {
      if (!steal || caller.user != 0) return Errno::kEPERM;
      robbed = session_;
    }
    become_controlling(caller);
  }
  if (robbed != 0) clear_session_terminal(robbed, serial_);
  return {};
}

Status Terminal::give_up_control(const User& user) {
  const Caller caller = calling_process();
  if (user.end == TerminalEnd::kMaster || !controls(caller)) return Errno::kENOTTY;
  if (!caller.leads_session()) {
    set_own_terminal(0);
    return {};
  }
  GroupId foreground;
  {
    const LockGuard guard(lock_);
    foreground = foreground_;
    session_ = foreground_ = 0;
  }
  signal_group(foreground, kHangupSignal);
  signal_group(foreground, kContinueSignal);
  clear_session_terminal(caller.session, serial_);
  return {};
}

GroupId Terminal::foreground() {
  const LockGuard guard(lock_);
  return foreground_;
}

Result<GroupId> Terminal::foreground(const User& user) {
  if (user.end == TerminalEnd::kSlave && !controls(calling_process())) return Errno::kENOTTY;
  return foreground();
}

Status Terminal::set_foreground(std::uint64_t argument) {
  const User as_slave{TerminalEnd::kSlave, 0, false};
  if (const Status status = check_background(as_slave, kBackgroundWriteSignal); !status)
    return status.error() == Errno::kEIO ? Errno::kENOTTY : status;
  const Result<std::int32_t> group = load_application<std::int32_t>(argument);
  if (!group) return group.error();
  if (*group < 0) return Errno::kEINVAL;
  const Caller caller = calling_process();
  if (!controls(caller)) return Errno::kENOTTY;
  const Result<GroupId> session = session_of_group(static_cast<GroupId>(*group));
  if (!session) return session.error();
  if (*session != caller.session) return Errno::kEPERM;
  const LockGuard guard(lock_);
  if (session_ != caller.session) return Errno::kENOTTY;
  foreground_ = static_cast<GroupId>(*group);
  return {};
}

Result<GroupId> Terminal::session_of(const User& user) {
  if (user.end == TerminalEnd::kSlave && !controls(calling_process())) return Errno::kENOTTY;
  const LockGuard guard(lock_);
  if (session_ == 0) return Errno::kENOTTY;
  return session_;
}

}  // namespace plumbline::linux_abi
