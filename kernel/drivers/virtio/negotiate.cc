#include "core/boot_options.hh"
#include "core/clock.hh"
#include "core/log.hh"
#include "drivers/virtio/transport.hh"

namespace plumbline::virtio {
namespace {

BOOT_OPTION(std::uint64_t, features_mask, "virtio.features-mask", ~uint64_t{0}, 0, ~uint64_t{0},
            "virtio feature bits that may be used, to test the driver without the others");

constexpr Nanoseconds kResetPatience = milliseconds(500);

}  // namespace

bool negotiate(Transport& transport, uint64_t required, uint64_t wanted, uint64_t& accepted,
               uint64_t (*restrict_to)(uint64_t features)) {
  transport.write_status(0);
  // virtio 1.2, 4.1.4.3.2 and 4.2.2.1: the device may take its time to reset.
  for (const Deadline deadline = Deadline::after(kResetPatience); transport.read_status() != 0;) {
    if (deadline.passed()) {
      log_error("%s: the device does not reset", transport.name());
      return false;
    }
  }
  // The two bits tell the device nothing one by one; one exit less.
  transport.write_status(kStatusAcknowledge | kStatusDriver);
  const uint64_t offered = transport.read_features();
  const uint64_t missing = required & ~offered;
  if (missing != 0) {
    log_error("%s: the device lacks required features 0x%lx (it offers 0x%lx)", transport.name(),
              missing, offered);
    transport.write_status(kStatusFailed);
    return false;
  }
  accepted = offered & (required | (wanted & features_mask.get()));
  if (restrict_to != nullptr) accepted = restrict_to(accepted);
  transport.write_features(accepted);
  constexpr uint8_t kStatus = kStatusAcknowledge | kStatusDriver | kStatusFeaturesOk;
  transport.write_status(kStatus);
  if ((transport.read_status() & kStatusFeaturesOk) == 0) {
    log_error("%s: the device refuses features 0x%lx (it offers 0x%lx)", transport.name(), accepted,
              offered);
    transport.write_status(kStatusFailed);
    return false;
  }
  return true;
}

}  // namespace plumbline::virtio
