// The generator's command line.
#pragma once

#include <optional>
#include <string>

#include "network/address.hh"
#include "port/damage.hh"

namespace plumbline::generator {

// Queue pairs of a vhost device: one for each vCPU of the largest guest that one core can drive.
inline constexpr uint16_t kMaximumQueues = 16;

struct Arguments {
  std::string device_kind;  // "vhost" or "packet"
  std::string device_path;
  int core = -1;
  int probe_core = -1;
  Endpoint own;
  Endpoint peer;
  std::optional<DamageShares> damage;
  uint16_t queues = 1;  // of a vhost device: queue pairs
  bool tso = false;     // TCP is spoken, with segmentation and checksum offload
};

// Throws std::invalid_argument with a message that names the argument and what is allowed; nothing:
// help was asked for.
std::optional<Arguments> parse_arguments(int count, const char* const* values);
const char* usage();

}  // namespace plumbline::generator
