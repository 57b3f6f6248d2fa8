// What the tests of AF_UNIX sockets share. The errors and events they expect are those that a C
// program showed on Linux (kernel/linux/conformance/unix_sockets.c asks for most of them end to
// end).
#pragma once

#include <doctest/doctest.h>

#include "linux/sockets/test_sockets.hh"

namespace plumbline::linux_abi::test {

inline constexpr PollEvents kReadable = kPollIn | kPollReadNormal;
inline constexpr PollEvents kWritable = kPollOut | kPollWriteNormal | kPollWriteBand;

// A program without descriptors and signals, for one test.
struct Program {
  Program() { HostedProgram::instance().reset(); }
  ~Program() { HostedProgram::instance().reset(); }
};

}  // namespace plumbline::linux_abi::test
