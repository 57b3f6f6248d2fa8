// For hosted tests: who calls, and what a terminal did to processes.
#pragma once

#include <utility>
#include <vector>

#include "linux/terminals/jobs.hh"

namespace plumbline::linux_abi {

struct HostedJobs {
  static HostedJobs& instance();
  Caller caller{100, 100, 100, 0, 0};
  // Groups and signals; a session's leader counts as the group of its number.
  std::vector<std::pair<GroupId, unsigned>> signals;
  Status in_background;
};

}  // namespace plumbline::linux_abi
