// Sizes of keys and values, drawn by inverting the distribution function.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace plumbline::generator {

enum class SizeKind { kFixed, kUniform, kGeneralizedPareto, kGeneralizedExtremeValue };

// Atikoglu et al. (SIGMETRICS 2012) describe ETC's value sizes by a generalized Pareto
// distribution, with the smallest sizes as a table of their own, and its key sizes by a generalized
// extreme value distribution.
struct SizeDistribution {
  SizeKind kind = SizeKind::kFixed;
  uint32_t minimum = 0;
  uint32_t maximum = 0;
  double location = 0;
  double scale = 1;
  double shape = 0;
  // Sizes with probabilities of their own; what remains of 1 goes to the continuous part.
  std::vector<std::pair<uint32_t, double>> discrete;

  bool is_fixed() const { return kind == SizeKind::kFixed; }
  // The size at the given quantile (0 < unit < 1), rounded down, clamped to [minimum, maximum].
  uint32_t at(double unit) const;
};

}  // namespace plumbline::generator
