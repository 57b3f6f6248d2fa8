#include "linux/system/load_average.hh"

#include <algorithm>

namespace plumbline::linux_abi {
namespace {

constexpr std::array<std::uint64_t, 3> kMinutes = {1, 5, 15};
constexpr std::uint64_t kFivePerMinute = 12;  // steps of five seconds, as Linux takes
constexpr Nanoseconds kStep = seconds(5);
// exp(-5 s / 1, 5, 15 min) in 1/65536.
constexpr std::array<std::uint64_t, 3> kDecay = {60296, 64453, 65173};

}  // namespace

void LoadAverage::update(Nanoseconds now, Nanoseconds busy) {
  // Less than a step adds too little to round well; it is counted with the next.
  const std::uint64_t steps = (now - last_).count / kStep.count;
  if (steps == 0) return;
  const std::uint64_t span = (now - last_).count;
  const std::uint64_t used = busy > last_busy_ ? (busy - last_busy_).count : 0;
  const auto load = static_cast<std::uint64_t>(static_cast<unsigned __int128>(used) * kOne / span);
  last_ = now;
  last_busy_ = busy;
  for (std::size_t i = 0; i < averages_.size(); ++i) {
    // After eight time constants nothing of the old value is left.
    const std::uint64_t most = 8 * kMinutes[i] * kFivePerMinute;
    for (std::uint64_t step = std::min(steps, most); step > 0; --step)
      averages_[i] = (averages_[i] * kDecay[i] + load * (kOne - kDecay[i]) + kOne / 2) / kOne;
  }
}

}  // namespace plumbline::linux_abi
