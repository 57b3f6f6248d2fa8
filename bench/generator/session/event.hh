// The events of the control protocol, one JSON object a line.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "accounting/slice.hh"

namespace plumbline::generator {

// What a run came to.
struct RunOutcome {
  bool stopped = false;
  bool steady = true;
  uint64_t warmup_ns = 0;
  Counters totals;
  std::vector<Slice> slices;  // warm-up first
  PlacementSummaries placements;
  std::optional<std::string> first_bad;
};

nlohmann::json to_json(const Slice& slice);
nlohmann::json to_json(const RunOutcome& outcome);
// An `error` event.
nlohmann::json error_event(std::optional<uint64_t> id, const char* code, const std::string& message,
                           bool fatal = false);

// Keeps standard output for events alone: whatever else the process prints there (DPDK does) goes
// to standard error. Call it before the first event and before threads start.
void claim_standard_output();
// Writes the event and a newline to standard output in one write; bytes that are no UTF-8 are
// replaced. Throws std::system_error when nobody reads any more.
void emit(const nlohmann::json& event);

}  // namespace plumbline::generator
