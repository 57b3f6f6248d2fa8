#include "traffic/popularity.hh"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace plumbline::generator {

Zipf::Zipf(uint32_t ranks, double exponent) : ranks_(ranks), exponent_(exponent) {
  lowest_ = integral(1.5) - 1;
  highest_ = integral(ranks + 0.5);
  sure_ = 2 - inverse_integral(integral(2.5) - std::pow(2.0, -exponent));
}

double Zipf::integral(double x) const {
  const double power = 1 - exponent_;
  const double logarithm = std::log(x);
  // expm1(p*l)/p tends to l for p -> 0; below 1e-8 the difference is beyond a double.
  return std::fabs(power) < 1e-8 ? logarithm : std::expm1(power * logarithm) / power;
}

double Zipf::inverse_integral(double y) const {
  const double power = 1 - exponent_;
  if (std::fabs(power) < 1e-8) return std::exp(y);
  // Rounding can put the argument a hair below -1, where the logarithm ends.
  return std::exp(std::log1p(std::max(y * power, -1.0)) / power);
}

uint32_t Zipf::draw(Random& random) const {
  for (;;) {
    const double u = highest_ + random.unit() * (lowest_ - highest_);
    const double x = inverse_integral(u);
    const double rank = std::clamp(std::floor(x + 0.5), 1.0, static_cast<double>(ranks_));
    if (rank - x <= sure_ || u >= integral(rank + 0.5) - std::pow(rank, -exponent_)) {
      return static_cast<uint32_t>(rank);
    }
  }
}

Popularity::Popularity(const PopularityDescription& description, uint32_t keys)
    : uniform_(!description.zipf),
      keys_(keys),
      multiplier_(2'654'435'761u),
      zipf_(keys, description.zipf ? description.exponent : 1) {
  while (std::gcd(multiplier_, static_cast<uint64_t>(keys)) != 1) multiplier_ += 2;
}

uint32_t Popularity::draw(Random& random) const {
  if (uniform_) {
    return static_cast<uint32_t>((static_cast<unsigned __int128>(random.next()) * keys_) >> 64);
  }
  const uint64_t rank = zipf_.draw(random) - 1;
  // A multiplication by a unit modulo the number of keys is a permutation.
  return static_cast<uint32_t>(rank * multiplier_ % keys_);
}

}  // namespace plumbline::generator
