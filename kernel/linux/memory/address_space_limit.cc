#include "linux/memory/address_space_limit.hh"

#include <algorithm>

#include "linux/process.hh"
#include "linux/system/limits.hh"
#include "memory/address_space.hh"

namespace plumbline::linux_abi {

Status check_address_space(std::uint64_t added, std::uint64_t replaced, std::uint64_t end) {
  const Process& process = current_process();
  const std::uint64_t limit = process.limits[kLimitAddressSpace].current;
  if (limit == kNoLimit) return {};
  struct Sum {
    std::uint64_t begin, end, mapped;
  } sum{replaced, end, 0};
  address_space::for_each_area(
      process.memory_owner(),
      [](void* context, const AreaDescription& area) {
        auto& total = *static_cast<Sum*>(context);
        total.mapped += area.end - area.begin;
        const std::uint64_t from = std::max(area.begin, total.begin);
        const std::uint64_t to = std::min(area.end, total.end);
        if (from < to) total.mapped -= to - from;
        return true;
      },
      &sum);
  return sum.mapped > limit || added > limit - sum.mapped ? Errno::kENOMEM : Status();
}

}  // namespace plumbline::linux_abi
