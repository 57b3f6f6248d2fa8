// Which keys are asked for how often.
#pragma once

#include <cstdint>

#include "traffic/random.hh"

namespace plumbline::generator {

struct PopularityDescription {
  bool zipf = false;
  double exponent = 0;
};

// Ranks 1..n with P(r) proportional to r^-exponent, by rejection-inversion: W. Hoermann and G.
// Derflinger, "Rejection-inversion to generate variates from monotone discrete distributions", ACM
// TOMACS 6(3), 1996. Constant memory and about 1.1 tries a draw for any n, where a table of n
// entries would miss the cache.
class Zipf {
 public:
  Zipf(uint32_t ranks, double exponent);
  uint32_t draw(Random& random) const;

 private:
  double integral(double x) const;          // H: antiderivative of x^-exponent, H(1) = 0
  double inverse_integral(double y) const;  // its inverse

  uint32_t ranks_;
  double exponent_;
  double lowest_;
  double highest_;
  double sure_;  // distance below which no second look is needed
};

// Draws key indices 0..keys-1. Popular keys are scattered over the indices, so that neighbours in
// the index (and so in the server's memory, when they were populated in order) are not alike in
// popularity.
class Popularity {
 public:
  Popularity(const PopularityDescription& description, uint32_t keys);
  uint32_t draw(Random& random) const;

 private:
  bool uniform_;
  uint32_t keys_;
  uint64_t multiplier_;
  Zipf zipf_;
};

}  // namespace plumbline::generator
