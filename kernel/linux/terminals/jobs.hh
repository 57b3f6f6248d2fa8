// What a terminal asks of the processes that use it: who calls, who stands in front, signals.
// Implemented over the process table (job_control.cc); hosted tests have a stand-in.
#pragma once

#include <cstdint>

#include "core/reference.hh"
#include "core/result.hh"

namespace plumbline::linux_abi {

class Terminal;

using GroupId = std::uint32_t;

struct Caller {
  GroupId process = 0, group = 0, session = 0;
  std::uint64_t terminal = 0;  // its controlling terminal's serial number; 0: none
  std::uint32_t user = 0;
  bool leads_session() const { return process == session; }
};
Caller calling_process();

// The calling process gets a controlling terminal.
void set_own_terminal(std::uint64_t serial);
// All processes of a session lose it, or the calling process alone.
void clear_session_terminal(GroupId session, std::uint64_t serial);

// Sends a signal of the kernel's to all processes of a group; 0 is no group.
void signal_group(GroupId group, unsigned signal);
void signal_session_leader(GroupId session, unsigned signal);
// The calling process does in the background what it should not: its group gets `signal`.
// kRestart: it was sent; kEIO: nobody would continue the group, or (reading) the signal is ignored.
// Nothing: writing goes on although the signal is ignored.
Status stop_background(unsigned signal);
// kESRCH: no such group.
Result<GroupId> session_of_group(GroupId group);

// TIOCGPTPEER: opens the slave for the calling process. kEMFILE, kENOMEM, kEIO.
Result<int> open_peer_descriptor(Ref<Terminal> terminal, std::uint32_t flags);

// Signals' numbers (linux/signal/signal_numbers.hh is not portable).
inline constexpr unsigned kHangupSignal = 1, kContinueSignal = 18, kBackgroundReadSignal = 21,
                          kBackgroundWriteSignal = 22, kWindowSignal = 28;

}  // namespace plumbline::linux_abi
