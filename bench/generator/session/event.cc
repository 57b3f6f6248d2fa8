#include "session/event.hh"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <nlohmann/json.hpp>
#include <system_error>

namespace plumbline::generator {

using nlohmann::json;

namespace {

int event_file = STDOUT_FILENO;

json optional_number(const std::optional<double>& value) {
  // A tenth of a ns is what the probe resolves.
  return value ? json(std::round(*value * 10) / 10) : json(nullptr);
}

json counters_json(const Counters& counters) {
  return {{"sent", counters.sent},
          {"replies", counters.replies},
          {"lost", counters.lost},
          {"late", counters.late},
          {"duplicates", counters.duplicates},
          {"bad", counters.bad},
          {"unexpected", counters.unexpected},
          {"gets", counters.gets},
          {"sets", counters.sets},
          {"hits", counters.hits},
          {"misses", counters.misses},
          {"stored", counters.stored},
          {"verified", counters.verified},
          {"bytesSent", counters.bytes_sent},
          {"bytesReceived", counters.bytes_received},
          {"opened", counters.opened},
          {"retransmissions", counters.retransmissions},
          {"resets", counters.resets}};
}

json latency_json(const Histogram& latency) {
  if (latency.count() == 0) return nullptr;
  return {{"count", latency.count()},      {"minimumNs", latency.minimum()},
          {"p50Ns", latency.at(0.5)},      {"p99Ns", latency.at(0.99)},
          {"p999Ns", latency.at(0.999)},   {"maximumNs", latency.maximum()},
          {"histogram", latency.buckets()}};
}

}  // namespace

json to_json(const Slice& slice) {
  json result = counters_json(slice.counters);
  result.update({{"index", slice.index},
                 {"phase", slice.measured ? "measure" : "warmup"},
                 {"startNs", slice.start_ns},
                 {"durationNs", slice.duration_ns},
                 {"placement", name_of(slice.placement)},
                 {"rttBeforeNs", optional_number(slice.rtt_before_ns)},
                 {"rttAfterNs", optional_number(slice.rtt_after_ns)},
                 {"busyShare", slice.busy_share},
                 {"ownLoss", slice.own_loss},
                 {"txFull", slice.tx_full},
                 {"polls", slice.polls},
                 {"rxBursts", slice.rx_bursts},
                 {"largestBurst", slice.largest_burst},
                 {"offCpuNs", slice.off_cpu_ns},
                 {"stealNs", slice.steal_ns},
                 {"longestLagNs", slice.longest_lag_ns}});
  return result;
}

json to_json(const RunOutcome& outcome) {
  json slices = json::array();
  for (const Slice& slice : outcome.slices) slices.push_back(to_json(slice));
  json placements = json::array();
  for (const auto& [placement, summary] : outcome.placements.all()) {
    const double duration = static_cast<double>(summary.duration_ns);
    placements.push_back(
        {{"placement", name_of(placement)},
         {"slices", summary.slices},
         {"durationNs", summary.duration_ns},
         {"sent", summary.sent},
         {"replies", summary.replies},
         {"lost", summary.lost},
         {"late", summary.late},
         {"rate", duration > 0 ? static_cast<double>(summary.replies) * 1e9 / duration : 0},
         {"busyShare", duration > 0 ? summary.busy_ns / duration : 0},
         {"latency", latency_json(summary.latency)},
         {"connectLatency", latency_json(summary.connect_latency)}});
  }
  return {{"event", "result"},
          {"stopped", outcome.stopped},
          {"steady", outcome.steady},
          {"warmupNs", outcome.warmup_ns},
          {"totals", counters_json(outcome.totals)},
          {"slices", std::move(slices)},
          {"placements", std::move(placements)},
          {"firstBad", outcome.first_bad ? json(*outcome.first_bad) : json(nullptr)}};
}

json error_event(std::optional<uint64_t> id, const char* code, const std::string& message,
                 bool fatal) {
  return {{"event", "error"},
          {"id", id ? json(*id) : json(nullptr)},
          {"code", code},
          {"message", message},
          {"fatal", fatal}};
}

void claim_standard_output() {
  event_file = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
  if (event_file < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0) {
    throw std::system_error(errno, std::generic_category(), "standard output");
  }
}

void emit(const json& event) {
  const std::string line = event.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
  size_t written = 0;
  while (written < line.size()) {
    const ssize_t bytes = write(event_file, line.data() + written, line.size() - written);
    if (bytes < 0 && errno == EINTR) continue;
    if (bytes < 0) throw std::system_error(errno, std::generic_category(), "standard output");
    written += static_cast<size_t>(bytes);
  }
}

}  // namespace plumbline::generator
