#include "traffic/request_sequence.hh"

#include <bit>
#include <stdexcept>

namespace plumbline::generator {

RequestSequence::RequestSequence(const Popularity& popularity, double get_share, uint64_t seed,
                                 uint32_t length) {
  if (!std::has_single_bit(length)) throw std::invalid_argument("length: a power of two");
  entries_.resize(length);
  Random random(seed);
  for (uint32_t& entry : entries_) {
    const bool is_set = random.unit() >= get_share;
    entry = popularity.draw(random) | (is_set ? kSet : 0);
  }
}

}  // namespace plumbline::generator
