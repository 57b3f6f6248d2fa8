#include "session/run.hh"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "accounting/host_disturbance.hh"
#include "session/load_loop.hh"
#include "session/request_loop.hh"
#include "session/stream_loop.hh"

namespace plumbline::generator {

namespace {

// How long the window may take to empty before a probe: a twentieth of the time-out is many round
// trips of a server that answers, and the rest is marked instead of waited for.
constexpr double kDrainShare = 0.05;
constexpr uint32_t kMaximumSlices = Loop::kNoSlice;

std::unique_ptr<Loop> make_loop(Context& context, const RunCommand& command) {
  const uint64_t deadline = ticks_now() + context.scale.to_ticks(command.timeout_ms * 1e6);
  if (transport_of(command.traffic) == Transport::kUdp)
    return std::make_unique<LoadLoop>(context, command, deadline);
  if (std::holds_alternative<StreamTraffic>(command.traffic))
    return std::make_unique<StreamLoop>(context, command, deadline);
  return std::make_unique<RequestLoop>(context, command, deadline);
}

class Run {
 public:
  Run(Context& context, const RunCommand& command, uint64_t id)
      : context_(context),
        command_(command),
        id_(id),
        loop_ptr_(make_loop(context, command)),
        loop_(*loop_ptr_),
        disturbance_(context.core, context.probe_core) {}

  RunOutcome execute() {
    loop_.prepare();
    context_.take_own_loss();
    probe_before_ = probe();
    warm_up();
    if (loop_.interruption() == Interruption::kNone) measure();
    const Interruption interruption = loop_.interruption();
    loop_.finish();
    if (interruption == Interruption::kLinkDown)
      throw CommandError("link-down", "the guest or interface went away during the run");
    if (interruption == Interruption::kDeadline) {
      throw CommandError("time-out", "the run took longer than timeoutMs; " +
                                         std::to_string(loop_.counters().replies) + " of " +
                                         std::to_string(loop_.counters().sent) +
                                         " requests were answered");
    }
    outcome_.stopped = interruption == Interruption::kStopped;
    close_accounts();
    return std::move(outcome_);
  }

 private:
  void warm_up() {
    if (command_.warmup == WarmupKind::kNone) return;
    const double limit_ns = command_.warmup_seconds * 1e9;
    const double slice_ms = command_.slice_ms > 0 ? command_.slice_ms : 100;
    const uint64_t start = monotonic_ns();
    outcome_.steady = false;
    while (loop_.interruption() == Interruption::kNone && outcome_.slices.size() < kMaximumSlices) {
      const double left = limit_ns - static_cast<double>(monotonic_ns() - start);
      if (left <= 0) break;
      take_slice(false, std::min(slice_ms * 1e6, left));
      if (is_steady(outcome_.slices,
                    command_.warmup == WarmupKind::kSteady ? command_.tolerance : 0.05)) {
        outcome_.steady = true;
        if (command_.warmup == WarmupKind::kSteady) break;
      }
    }
    outcome_.warmup_ns = monotonic_ns() - start;
  }

  void measure() {
    if (command_.requests > 0) {
      loop_.limit_requests(command_.requests);
      const double slice_ns =
          command_.slice_ms > 0 ? command_.slice_ms * 1e6 : command_.timeout_ms * 1e6;
      while (!loop_.limit_reached() && going_on()) take_slice(true, slice_ns);
      return;
    }
    const double wanted = command_.seconds * 1e9;
    const double slice_ns = command_.slice_ms > 0 ? command_.slice_ms * 1e6 : wanted;
    double measured = 0;
    // The last slice is as long as the others: half a slice more or less is better than one of
    // another length.
    while (measured + slice_ns / 2 <= wanted && going_on()) {
      take_slice(true, slice_ns);
      measured += static_cast<double>(outcome_.slices.back().duration_ns);
    }
  }

  bool going_on() const {
    return loop_.interruption() == Interruption::kNone && outcome_.slices.size() < kMaximumSlices;
  }

  void take_slice(bool measured, double length_ns) {
    loop_.resume();
    // In a slice of all requests there is nothing to settle: every one of them is counted.
    const bool whole = measured && command_.requests > 0 && command_.slice_ms == 0;
    if (!whole) loop_.send_until(ticks_now() + context_.scale.to_ticks(command_.settle_ms * 1e6));

    Slice slice;
    slice.index = static_cast<uint32_t>(outcome_.slices.size());
    slice.measured = measured;
    const DisturbanceReading disturbed_before = disturbance_.read();
    loop_.count();
    const Counters counters_before = loop_.counters();
    const LoopCounters loop_before = loop_.loop_counters();
    loop_.begin_slice(static_cast<uint16_t>(slice.index));
    slice.start_ns = monotonic_ns();
    const uint64_t start = ticks_now();
    loop_.send_until(start + context_.scale.to_ticks(length_ns));
    const uint64_t duration = ticks_now() - start;
    loop_.end_slice();
    loop_.count();
    const DisturbanceReading disturbed_after = disturbance_.read();

    slice.duration_ns = context_.scale.to_ns(duration);
    slice.counters = loop_.counters().since(counters_before);
    const LoopCounters& loop_after = loop_.loop_counters();
    slice.busy_share = static_cast<double>(loop_after.busy_ticks - loop_before.busy_ticks) /
                       static_cast<double>(duration);
    slice.tx_full = loop_after.tx_full - loop_before.tx_full;
    slice.polls = loop_after.polls - loop_before.polls;
    slice.rx_bursts = loop_after.rx_bursts - loop_before.rx_bursts;
    slice.largest_burst = loop_after.largest_burst;
    slice.longest_lag_ns = context_.scale.to_ns(loop_after.longest_lag_ticks);
    const uint64_t on_cpu = disturbed_after.thread_cpu_ns - disturbed_before.thread_cpu_ns;
    slice.off_cpu_ns = slice.duration_ns > on_cpu ? slice.duration_ns - on_cpu : 0;
    slice.steal_ns = disturbed_after.steal_ns - disturbed_before.steal_ns;

    // The probe needs the server's core for itself, and the window's requests would wait for it.
    loop_.drain_until(ticks_now() +
                      context_.scale.to_ticks(command_.loss_timeout_ms * 1e6 * kDrainShare));
    slice.own_loss = context_.take_own_loss();
    slice.rtt_before_ns = probe_before_;
    slice.rtt_after_ns = probe_before_ = probe();
    slice.placement = combine(classify(slice.rtt_before_ns), classify(slice.rtt_after_ns));
    if (measured) {
      outcome_.placements.add_latency(slice.placement, loop_.latency());
      outcome_.placements.add_connect_latency(slice.placement, loop_.connect_latency());
    }
    nlohmann::json event = {{"event", "slice"}, {"id", id_}, {"slice", to_json(slice)}};
    emit(event);
    outcome_.slices.push_back(slice);
  }

  std::optional<double> probe() {
    return command_.probe && context_.probe ? context_.probe->measure() : std::nullopt;
  }

  // Every request has come to an end: what was lost or late is booked where it was sent.
  void close_accounts() {
    for (Slice& slice : outcome_.slices) {
      slice.counters.lost = loop_.lost_in(static_cast<uint16_t>(slice.index));
      slice.counters.late = loop_.late_in(static_cast<uint16_t>(slice.index));
      if (slice.measured) outcome_.placements.add_slice(slice);
    }
    loop_.count();
    outcome_.totals = loop_.counters();
    outcome_.first_bad = loop_.first_bad();
    if (outcome_.totals.sent != outcome_.totals.replies + outcome_.totals.lost) {
      throw CommandError("internal", "the accounts do not balance: sent " +
                                         std::to_string(outcome_.totals.sent) + ", replies " +
                                         std::to_string(outcome_.totals.replies) + ", lost " +
                                         std::to_string(outcome_.totals.lost));
    }
  }

  Context& context_;
  const RunCommand& command_;
  uint64_t id_;
  std::unique_ptr<Loop> loop_ptr_;
  Loop& loop_;
  HostDisturbance disturbance_;
  std::optional<double> probe_before_;
  RunOutcome outcome_;
};

}  // namespace

RunOutcome run(Context& context, const RunCommand& command, uint64_t id) {
  if (!context.check_link())
    throw CommandError("link-down", "no guest is connected (wait-answer waits for one)");
  try {
    return Run(context, command, id).execute();
  } catch (const std::invalid_argument& error) {
    throw CommandError("bad-command", error.what());
  }
}

}  // namespace plumbline::generator
