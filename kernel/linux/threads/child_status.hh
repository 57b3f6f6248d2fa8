// What a parent learns of a child's end.
#pragma once

namespace plumbline::linux_abi {

// si_code of SIGCHLD (Linux, include/uapi/asm-generic/siginfo.h).
inline constexpr int kChildExited = 1, kChildKilled = 2, kChildDumped = 3;

struct ChildStatus {
  int code;    // kChild...
  int status;  // exit code or signal
};

// From a status as wait4 reports it.
constexpr ChildStatus describe_end(int wait_status) {
  const int signal = wait_status & 0x7f;
  if (signal == 0) return {kChildExited, wait_status >> 8 & 0xff};
  return {(wait_status & 0x80) != 0 ? kChildDumped : kChildKilled, signal};
}

}  // namespace plumbline::linux_abi
