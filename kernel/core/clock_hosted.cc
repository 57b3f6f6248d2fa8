// Time in hosted builds: the host's clocks.
#include <chrono>

#include "core/clock.hh"

namespace plumbline {

Nanoseconds monotonic_now() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return {static_cast<std::uint64_t>(std::chrono::nanoseconds(now).count())};
}

Nanoseconds wall_clock_now_ns() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return {static_cast<std::uint64_t>(std::chrono::nanoseconds(now).count())};
}

}  // namespace plumbline
