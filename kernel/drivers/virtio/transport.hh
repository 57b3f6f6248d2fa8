// What the ways of reaching a virtio device have in common (virtio 1.2, 4): PCI and MMIO each have
// a folder of their own beside this. Virtual calls are for set-up only; the hot path has the
// doorbell.
//
// Set-up is counted in exits to the VMM, 28 us each on a host without VMX or SVM: nothing is read
// twice or read back without need (drivers/README.md has the counts).
#pragma once

#include <cstdint>

#include "arch/x86_64/interrupts.hh"
#include "arch/x86_64/mmio.hh"
#include "drivers/virtio/doorbell.hh"
#include "memory/address.hh"

namespace plumbline::virtio {

/// virtio 1.2, 5.
enum class DeviceType : uint16_t { kNetwork = 1, kConsole = 3, kEntropy = 4 };

/// Feature bits that do not belong to one device type (virtio 1.2, 6).
inline constexpr uint64_t kFeatureEventIndex = uint64_t{1} << 29;
inline constexpr uint64_t kFeatureVersion1 = uint64_t{1} << 32;

/// Device status (virtio 1.2, 2.1).
inline constexpr uint8_t kStatusAcknowledge = 1;
inline constexpr uint8_t kStatusDriver = 2;
inline constexpr uint8_t kStatusDriverOk = 4;
inline constexpr uint8_t kStatusFeaturesOk = 8;
inline constexpr uint8_t kStatusFailed = 128;

/// Physical addresses of a queue's parts.
struct QueueAddresses {
  uint64_t descriptors;
  uint64_t available;
  uint64_t used;
};

/// A queue's interrupt: where it goes, and whom it calls (masked, in the interrupted thread's
/// context).
struct QueueInterrupt {
  InterruptHandler handler = nullptr;  // nullptr: the queue is polled and never interrupts
  void* argument = nullptr;
  unsigned cpu = 0;
};

class Transport {
 public:
  Transport() = default;
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  /// For messages: "virtio-pci 00:01.0", "virtio-mmio 0xfeb00e00".
  const char* name() const { return name_; }

  virtual uint8_t read_status() = 0;
  virtual void write_status(uint8_t status) = 0;
  virtual uint64_t read_features() = 0;
  virtual void write_features(uint64_t features) = 0;
  /// Four or two bytes of the device's configuration, `offset` aligned to as many. A device may
  /// answer ones when the read goes beyond its last field, so no more than what is there is read at
  /// once.
  virtual uint32_t read_config32(unsigned offset) = 0;
  virtual uint16_t read_config16(unsigned offset) = 0;
  /// Chooses the queue that the next three calls are about; returns the most entries it can have,
  /// 0: there is no such queue.
  virtual uint16_t select_queue(uint16_t queue) = 0;
  /// Connects the selected queue's interrupt. False: the device can not interrupt for it; it must
  /// be polled. Before enable_queue().
  virtual bool connect_interrupt(uint16_t queue, const QueueInterrupt& interrupt) = 0;
  /// Starts the selected queue with `size` entries (`maximum` is what select_queue() returned).
  virtual Doorbell enable_queue(uint16_t queue, uint16_t size, uint16_t maximum,
                                const QueueAddresses& addresses) = 0;

 protected:
  ~Transport() = default;  // transports live as long as the guest
  char name_[32] = {};
};

/// Finds devices on demand, first those of the command line's virtio_mmio.device=, then those on
/// PCI bus 0, then (when there were neither) those in microvm's slots. Returns the next unclaimed
/// device of `type`, and claims it; nullptr when there is none (left).
Transport* claim_device(DeviceType type);

/// Resets the device and agrees on features: `required` and those of `wanted` that it offers and
/// the boot option virtio.features-mask allows. On success `accepted` holds them. False, with a
/// message in the log and the device marked failed, when it lacks a required one or does not go
/// along. `restrict_to`, if given, takes out features whose own requirements are not among them.
bool negotiate(Transport& transport, uint64_t required, uint64_t wanted, uint64_t& accepted,
               uint64_t (*restrict_to)(uint64_t features) = nullptr);

}  // namespace plumbline::virtio
