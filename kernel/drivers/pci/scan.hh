// Finding functions on PCI bus 0, on demand: a boot that needs the network card stops looking when
// it has found it, and whoever needs more goes on from there.
#pragma once

#include <cstdint>
#include <optional>

#include "drivers/pci/config_space.hh"

namespace plumbline::pci {

struct Identity {
  Location location;
  uint16_t vendor;
  uint16_t device;
};

/// The `n`-th function of bus 0, counted from 0 in the order in which they are found: functions 0
/// by slot, then the other functions of multifunction devices. nullopt when there are not as many.
/// What was found stays known: only new ground costs exits (one a slot).
std::optional<Identity> nth_function(unsigned n);

}  // namespace plumbline::pci
