// The paths that the suite goes over, by name.
#pragma once

#include <span>
#include <string_view>

#include "net/simulator/link.hh"

namespace plumbline::net::simulator {

// Both directions of a path.
struct Path {
  LinkConditions forward;   // from the client
  LinkConditions backward;  // to it
  // Nothing is lost, doubled or overtaken: whatever is sent again is a defect.
  bool perfect() const;
};

struct Impairment {
  std::string_view name;
  std::string_view text;  // for --list
  Path (*path)(Random& random);
};

std::span<const Impairment> impairments();

}  // namespace plumbline::net::simulator
