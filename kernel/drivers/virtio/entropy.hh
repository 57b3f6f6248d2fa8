// A virtio entropy device (virtio 1.2, 5.4).
#pragma once

#include <cstddef>
#include <span>

namespace plumbline::virtio {

/// Looks for an entropy device. False: there is none that works.
bool initialise_entropy();

/// Fills `bytes` with the host's randomness; returns how many it gave, 0 when there is no device or
/// it does not answer within a second. At most 64 a call. One CPU at a time.
size_t read_entropy(std::span<std::byte> bytes);

}  // namespace plumbline::virtio
