// The generator's command line.
#pragma once

#include <optional>
#include <string>

#include "network/address.hh"
#include "network/damage.hh"

namespace plumbline::generator {

struct Arguments {
  std::string device_kind;  // "vhost" or "packet"
  std::string device_path;
  int core = -1;
  int probe_core = -1;
  Endpoint own;
  Endpoint peer;
  std::optional<DamageShares> damage;
};

// Throws std::invalid_argument with a message that names the argument and what is allowed; nothing:
// help was asked for.
std::optional<Arguments> parse_arguments(int count, const char* const* values);
const char* usage();

}  // namespace plumbline::generator
