// What the layers above do not offer yet.
#include "core/panic.hh"
#include "linux/threads/exit.hh"
#include "memory/address_space.hh"

namespace plumbline {

[[gnu::weak]] FaultOutcome address_space::resolve_fault(std::uint64_t, Access) {
  return FaultOutcome::kNotMapped;
}

namespace linux_abi {

[[gnu::weak]] void end_process(int status) { panic("a process ends with status %d", status); }
[[gnu::weak]] void end_task_if_asked() {}

}  // namespace linux_abi
}  // namespace plumbline
