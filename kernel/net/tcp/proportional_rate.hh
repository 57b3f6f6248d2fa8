// Proportional rate reduction (RFC 6937): in recovery, sends go out at the pace of deliveries, so
// that the window arrives at the threshold without a pause and without a burst.
#pragma once

#include <cstdint>

namespace plumbline::net::tcp {

// The state of one recovery, in bytes. Every acknowledgement in recovery is reported once; what may
// be sent until the next one is sndcnt.
class ProportionalRate {
 public:
  // Recovery begins with `flight` bytes between SND.UNA and SND.NXT (RecoverFS).
  void start(uint32_t flight) {
    delivered_ = sent_ = allowed_ = 0;
    flight_ = flight;
  }
  // An acknowledgement delivered `delivered` bytes; `in_flight` (pipe) is now so much. `advancing`:
  // SND.UNA moved and no further loss was found, so that growing by what was delivered plus a
  // segment is safe (the slow start reduction bound; otherwise the conservative one).
  void acknowledged(uint32_t delivered, uint32_t in_flight, uint32_t threshold, uint32_t mss,
                    bool advancing);
  void sent(uint32_t bytes) {
    sent_ += bytes;
    allowed_ = allowed_ > bytes ? allowed_ - bytes : 0;
  }
  // sndcnt: bytes that may be sent now.
  uint32_t allowed() const { return allowed_; }
  // At least so much may be sent now: the first retransmission waits for nothing.
  void allow_at_least(uint32_t bytes) {
    if (allowed_ < bytes) allowed_ = bytes;
  }

 private:
  uint32_t delivered_ = 0;  // prr_delivered
  uint32_t sent_ = 0;       // prr_out
  uint32_t flight_ = 0;     // RecoverFS
  uint32_t allowed_ = 0;
};

}  // namespace plumbline::net::tcp
