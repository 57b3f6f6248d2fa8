// What a run found wrong, with the virtual time of it.
#pragma once

#include <string>
#include <vector>

#include "core/units.hh"

namespace plumbline::net::simulator {

class Violations {
 public:
  struct Violation {
    Nanoseconds time;
    std::string text;
  };

  // The first ones are kept: what follows them is mostly their consequence.
  static constexpr size_t kKept = 12;

  void add(Nanoseconds time, std::string text) {
    ++count_;
    if (kept_.size() < kKept) kept_.push_back({time, std::move(text)});
  }
  bool none() const { return count_ == 0; }
  size_t count() const { return count_; }
  const std::vector<Violation>& kept() const { return kept_; }

 private:
  std::vector<Violation> kept_;
  size_t count_ = 0;
};

}  // namespace plumbline::net::simulator
