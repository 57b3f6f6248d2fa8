#include "linux/terminals/hosted_jobs.hh"

#include "linux/terminals/terminal.hh"

namespace plumbline::linux_abi {

HostedJobs& HostedJobs::instance() {
  static HostedJobs jobs;
  return jobs;
}

Caller calling_process() { return HostedJobs::instance().caller; }
void set_own_terminal(std::uint64_t serial) { HostedJobs::instance().caller.terminal = serial; }
void clear_session_terminal(GroupId session, std::uint64_t serial) {
  Caller& caller = HostedJobs::instance().caller;
  if (caller.session == session && caller.terminal == serial) caller.terminal = 0;
}
void signal_group(GroupId group, unsigned signal) {
  if (group != 0) HostedJobs::instance().signals.emplace_back(group, signal);
}
void signal_session_leader(GroupId session, unsigned signal) {
  HostedJobs::instance().signals.emplace_back(session, signal);
}
Status stop_background(unsigned) { return HostedJobs::instance().in_background; }
Result<GroupId> session_of_group(GroupId group) {
  if (group == HostedJobs::instance().caller.group) return HostedJobs::instance().caller.session;
  return Errno::kESRCH;
}
Result<int> open_peer_descriptor(Ref<Terminal>, std::uint32_t) { return Errno::kEMFILE; }

}  // namespace plumbline::linux_abi
