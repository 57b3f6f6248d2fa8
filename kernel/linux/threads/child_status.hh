// What a parent learns of a child: its end, that it stopped, that it goes on.
#pragma once

namespace plumbline::linux_abi {

// si_code of SIGCHLD (Linux, include/uapi/asm-generic/siginfo.h).
inline constexpr int kChildExited = 1, kChildKilled = 2, kChildDumped = 3, kChildStopped = 5,
                     kChildContinued = 6;

// As wait4 reports them.
constexpr int stopped_status(unsigned signal) { return static_cast<int>(signal << 8 | 0x7f); }
inline constexpr int kContinuedStatus = 0xffff;
constexpr bool is_stopped_status(int wait_status) { return (wait_status & 0xff) == 0x7f; }

struct ChildStatus {
  int code;    // kChild...
  int status;  // exit code or signal
};

// From a status as wait4 reports it.
constexpr ChildStatus describe_status(int wait_status) {
  constexpr int kSigcont = 18;
  if (wait_status == kContinuedStatus) return {kChildContinued, kSigcont};
  if (is_stopped_status(wait_status)) return {kChildStopped, wait_status >> 8};
  const int signal = wait_status & 0x7f;
  if (signal == 0) return {kChildExited, wait_status >> 8 & 0xff};
  return {(wait_status & 0x80) != 0 ? kChildDumped : kChildKilled, signal};
}

}  // namespace plumbline::linux_abi
