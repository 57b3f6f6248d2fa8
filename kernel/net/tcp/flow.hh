// What the flow table holds: whoever answers for one pair of ends.
#pragma once

#include "net/tcp/segment.hh"

namespace plumbline::net::tcp {

enum class FlowKind : uint8_t {
  kConnection,  // a Connection, in any state but those below
  kHalfOpen,    // a SYN was answered and nothing else has happened (RFC 4987, section 3.3)
  kTimeWait,    // a connection that has ended and whose last ACK may be asked for again
};

// The first base of all three: segments find it by its key, and its kind says what it is.
struct Flow {
  FlowKey key;
  FlowKind kind;
};

}  // namespace plumbline::net::tcp
