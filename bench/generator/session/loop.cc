#include "session/loop.hh"

#include <algorithm>

namespace plumbline::generator {

namespace {

constexpr double kCheckIntervalNs = 1e6;
constexpr double kLinkIntervalNs = 10e6;
// Short time-outs end after a pass over the requests that a busy host may put off.
constexpr double kLeastFinishNs = 1e9;
constexpr size_t kMostShown = 80;

}  // namespace

Loop::Loop(Context& context, double loss_timeout_ms, uint64_t deadline_ticks)
    : context_(context),
      loss_ticks_(context.scale.to_ticks(loss_timeout_ms * 1e6)),
      deadline_(deadline_ticks) {}

void Loop::begin_slice(uint16_t slice) {
  slice_ = slice;
  if (by_slice_.size() <= slice) by_slice_.resize(slice + 1u);
  latency_.clear();
  connect_latency_.clear();
  loop_.largest_burst = 0;
  loop_.longest_lag_ticks = 0;
}

void Loop::look_around(uint64_t now) {
  if (now < next_check_) return;
  next_check_ = now + context_.scale.to_ticks(kCheckIntervalNs);
  if (context_.interrupted()) interruption_ = Interruption::kStopped;
  if (now >= deadline_) interruption_ = Interruption::kDeadline;
  if (now < next_link_check_) return;
  next_link_check_ = now + context_.scale.to_ticks(kLinkIntervalNs);
  if (!context_.check_link()) interruption_ = Interruption::kLinkDown;
}

void Loop::finish() {
  // Only time-outs end this: an interruption has happened already, or may as well happen after the
  // accounts are closed.
  const uint64_t limit =
      ticks_now() + std::max(2 * loss_ticks_, context_.scale.to_ticks(kLeastFinishNs));
  interruption_ = Interruption::kNone;
  while (in_flight_ > 0 && ticks_now() < limit) {
    spin(limit, false);
    interruption_ = Interruption::kNone;
  }
}

void Loop::report_bad(const char* reason, std::span<const uint8_t> bytes) {
  ++counters_.bad;
  if (first_bad_) return;
  first_bad_ = std::string(reason) + ": ";
  for (const uint8_t byte : bytes.first(std::min(bytes.size(), kMostShown))) {
    *first_bad_ += byte >= ' ' && byte < 0x7f ? static_cast<char>(byte) : '.';
  }
}

}  // namespace plumbline::generator
