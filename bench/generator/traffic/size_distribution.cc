#include "traffic/size_distribution.hh"

#include <algorithm>
#include <cmath>

namespace plumbline::generator {

namespace {

double pareto_quantile(const SizeDistribution& d, double unit) {
  if (d.shape == 0) return d.location - d.scale * std::log1p(-unit);
  return d.location + d.scale * (std::pow(1 - unit, -d.shape) - 1) / d.shape;
}

double extreme_value_quantile(const SizeDistribution& d, double unit) {
  if (d.shape == 0) return d.location - d.scale * std::log(-std::log(unit));
  return d.location + d.scale * (std::pow(-std::log(unit), -d.shape) - 1) / d.shape;
}

}  // namespace

uint32_t SizeDistribution::at(double unit) const {
  if (kind == SizeKind::kFixed) return minimum;
  double below = 0;
  for (const auto& [size, probability] : discrete) {
    below += probability;
    if (unit < below) return std::clamp(size, minimum, maximum);
  }
  if (below >= 1) return maximum;
  const double rest = (unit - below) / (1 - below);
  double size = 0;
  switch (kind) {
    case SizeKind::kUniform:
      size = minimum + rest * (1.0 + maximum - minimum);
      break;
    case SizeKind::kGeneralizedPareto:
      size = pareto_quantile(*this, rest);
      break;
    case SizeKind::kGeneralizedExtremeValue:
      size = extreme_value_quantile(*this, rest);
      break;
    case SizeKind::kFixed:
      break;
  }
  // The comparison also catches infinities before the conversion, which could not.
  if (!(size > minimum)) return minimum;
  if (size >= maximum) return maximum;
  return static_cast<uint32_t>(size);
}

}  // namespace plumbline::generator
