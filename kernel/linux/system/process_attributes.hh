// What a process is allowed and has asked for: users, capabilities, prctl's switches. Nothing here
// protects anything: there is one user. It is kept because programs set it and ask for it again.
#pragma once

#include <array>
#include <cstdint>

namespace plumbline::linux_abi {

// The highest capability is CAP_CHECKPOINT_RESTORE (include/uapi/linux/capability.h).
inline constexpr unsigned kLastCapability = 40;
inline constexpr std::uint64_t kAllCapabilities = (std::uint64_t{1} << (kLastCapability + 1)) - 1;
inline constexpr unsigned kMostGroups = 64;

// credentials(7). The effective user and group are Process::user and group_id.
struct Identity {
  std::uint32_t real_user = 0, saved_user = 0;
  std::uint32_t real_group = 0, saved_group = 0;
  std::uint32_t group_count = 0;
  std::array<std::uint32_t, kMostGroups> groups{};
  std::uint64_t effective_capabilities = kAllCapabilities;
  std::uint64_t permitted_capabilities = kAllCapabilities;
  std::uint64_t inheritable_capabilities = 0;
  std::uint64_t bounding_capabilities = kAllCapabilities;
};

// prctl(2), personality(2), /proc/self/oom_score_adj, /proc/self/coredump_filter.
struct ProcessAttributes {
  bool dumpable = true;
  bool keeps_capabilities = false;
  bool no_new_privileges = false;
  bool huge_pages_disabled = false;
  bool child_subreaper = false;
  unsigned parent_death_signal = 0;
  std::uint64_t timer_slack = 50'000;  // nanoseconds
  std::uint32_t personality = 0;
  std::uint32_t securebits = 0;
  int oom_score_adjustment = 0;
  std::uint32_t coredump_filter = 0x33;
};

class Process;

// A child starts with its parent's handlers, limits, identity and attributes.
void inherit_attributes(Process& child, Process& parent);
// execve: what does not outlive the program.
void reset_attributes_for_exec(Process& process);

}  // namespace plumbline::linux_abi
