// Devices that no answer waits for: the console and the entropy device. Their set-up and the rest
// of the PCI scan cost some 150 exits to the VMM, so they come up a moment after the boot, on a
// thread of their own.
#include <array>

#include "core/init_calls.hh"
#include "core/log.hh"
#include "drivers/random/random.hh"
#include "drivers/virtio/console.hh"
#include "drivers/virtio/entropy.hh"
#include "sched/thread.hh"

namespace plumbline::virtio {
namespace {

// Long enough for a first answer; a boot's own part is 5 ms.
constexpr Nanoseconds kDelay = milliseconds(100);

void bring_up(void*) {
  sleep_for(kDelay);
  give_console_to_log();
  if (initialise_entropy()) {
    std::array<std::byte, 48> seed;
    const size_t length = read_entropy(seed);
    if (length == 0) log_warning("the entropy device gives nothing");
    add_randomness(std::span(seed).first(length));
  }
}

void start_late_devices() {
  if (spawn({.name = "late-devices"}, bring_up, nullptr) == nullptr)
    log_warning("no memory to bring up the console and the entropy device");
}
INIT_CALL(InitLevel::kService, start_late_devices);

}  // namespace
}  // namespace plumbline::virtio
