#include "net/tcp/cubic.hh"

#include <algorithm>

namespace plumbline::net::tcp {
namespace {

// The cube root, rounded down, a bit of the result at a time. Once in a stage.
uint32_t cube_root(uint64_t value) {
  uint64_t root = 0;
  for (int bit = 20; bit >= 0; --bit) {
    const uint64_t candidate = root | uint64_t{1} << bit;
    if (candidate * candidate * candidate <= value) root = candidate;
  }
  return static_cast<uint32_t>(root);
}

constexpr uint64_t kNanosecondsPerMillisecond = 1'000'000;

}  // namespace

void Cubic::congested(uint32_t window) {
  cwnd_prior_ = window;
  // Fast convergence (4.7): the saturation point has come down, so leave some of it to others.
  w_max_ =
      window < w_max_ ? static_cast<uint32_t>(uint64_t{window} * (10 + kBetaTenths) / 20) : window;
  started_ = false;
  plateau_ = false;
}

void Cubic::start(uint32_t window, uint32_t mss, Nanoseconds now) {
  started_ = true;
  epoch_ = now.count;
  w_est_ = uint64_t{window} << kFraction;
  if (cwnd_prior_ == 0) cwnd_prior_ = window;
  if (plateau_ || window >= w_max_) {
    k_ = 0;
    w_max_ = window;
    return;
  }
  // K = cbrt((W_max - cwnd_epoch) / C) seconds with C = 0.4 segments / s^3 (figure 2): in
  // milliseconds below the root 10^9 / 0.4. Windows of 2^30 just fit.
  k_ = cube_root(uint64_t{w_max_ - window} * 2'500'000'000 / mss);
}

// W_cubic (figure 1) in bytes: 0.4 mss ((t - K) / 1000)^3 + W_max.
uint64_t Cubic::window_at(uint64_t milliseconds, uint32_t mss) const {
  const bool before = milliseconds < k_;
  // Nine minutes from the plateau the window would be beyond every limit.
  const uint64_t distance =
      std::min<uint64_t>(before ? k_ - milliseconds : milliseconds - k_, 1 << 19);
  const uint64_t cube = distance * distance * distance;
  // Up to 32 s the product fits as it is; beyond that what is rounded off first is nothing.
  const uint64_t bytes =
      distance < (1 << 15) ? cube * mss * 2 / 5'000'000'000 : cube / 1'000'000 * mss * 2 / 5'000;
  if (!before) return w_max_ + bytes;
  return bytes < w_max_ ? w_max_ - bytes : 0;
}

uint32_t Cubic::grow(uint32_t window, uint32_t acknowledged, uint32_t mss, Nanoseconds smoothed_rtt,
                     Nanoseconds now) {
  if (!started_) {
    start(window, mss, now);
  } else if (now - grown_at_ > smoothed_rtt * 2) {
    // Acknowledgements come in every round trip while the window is what limits: the pause was the
    // application's, and does not count as time (4.2, 5.8).
    epoch_ += (now - grown_at_).count;
  }
  grown_at_ = now;

  // Figure 4. alpha is 3 (1 - 0.7) / (1 + 0.7) = 9 / 17, later 1.
  const bool caught_up = w_est_ >> kFraction >= cwnd_prior_;
  const uint64_t fresh = std::min(acknowledged, window);
  w_est_ += ((fresh * mss) << kFraction) * (caught_up ? 17 : 9) / (uint64_t{window} * 17);

  const uint64_t elapsed = now.count - epoch_;
  const uint64_t w_est = w_est_ >> kFraction;
  if (window_at(elapsed / kNanosecondsPerMillisecond, mss) < w_est) {
    rest_ = 0;
    return static_cast<uint32_t>(std::max<uint64_t>(w_est, window));
  }
  const uint64_t target =
      std::clamp(window_at((elapsed + smoothed_rtt.count) / kNanosecondsPerMillisecond, mss),
                 uint64_t{window}, uint64_t{window} + window / 2);
  const uint64_t growth = (target - window) * fresh + rest_;
  rest_ = static_cast<uint32_t>(growth % window);
  return static_cast<uint32_t>(window + growth / window);
}

}  // namespace plumbline::net::tcp
