// A connection of which only a SYN has been seen: a small record in place of a Connection, so that
// a flood of SYNs ties up little (RFC 4987, section 3.3).
#pragma once

#include "core/intrusive_list.hh"
#include "net/tcp/flow.hh"
#include "net/tcp/owner.hh"
#include "net/tcp/timer_wheel.hh"

namespace plumbline::net::tcp {

struct ListenerQueue;

struct HalfOpen : Flow {
  HalfOpen(const FlowKey& flow_key, const Handshake& agreed)
      : Flow{flow_key, FlowKind::kHalfOpen}, handshake(agreed) {}

  Handshake handshake;
  Timer timer{TimerKind::kHalfOpen};  // when our SYN is sent again
  ListHook hook;
  ListenerQueue* queue = nullptr;
  uint8_t retries = 0;
  // The ACK came while the listener's queue was full: it is the peer's turn, by more data or by our
  // SYN sent again.
  bool acknowledged = false;
};
static_assert(sizeof(HalfOpen) <= 192);

}  // namespace plumbline::net::tcp
