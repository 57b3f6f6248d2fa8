// Where the generator's and the server's core are, seen from each other. On a cloud machine the
// outer host moves its virtual CPUs between SMT siblings, cores of one cache and cores of different
// ones, and results change with it.
#pragma once

#include <optional>

namespace plumbline::generator {

enum class Placement { kNear, kFar, kRemote, kMixed, kUnknown };

// Round trips of a cache line between two spinning threads, measured on the machines this was
// developed on: siblings 50-61 ns, cores that share the last cache 112-192 ns, others 550 ns. The
// borders lie in the gaps.
inline constexpr double kNearBelowNs = 90;
inline constexpr double kFarBelowNs = 300;

constexpr Placement classify(std::optional<double> round_trip_ns) {
  if (!round_trip_ns) return Placement::kUnknown;
  if (*round_trip_ns < kNearBelowNs) return Placement::kNear;
  return *round_trip_ns < kFarBelowNs ? Placement::kFar : Placement::kRemote;
}

// Of a slice: what both probes around it agree on.
constexpr Placement combine(Placement before, Placement after) {
  if (before == Placement::kUnknown || after == Placement::kUnknown) return Placement::kUnknown;
  return before == after ? before : Placement::kMixed;
}

constexpr const char* name_of(Placement placement) {
  switch (placement) {
    case Placement::kNear:
      return "near";
    case Placement::kFar:
      return "far";
    case Placement::kRemote:
      return "remote";
    case Placement::kMixed:
      return "mixed";
    case Placement::kUnknown:
      break;
  }
  return "unknown";
}

}  // namespace plumbline::generator
