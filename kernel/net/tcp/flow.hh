// What the flow table holds: whoever answers for one pair of ends.
#pragma once

#include <atomic>

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
  // Of a connection that has moved from one stack to another: the number of the stack that has it,
  // and 1, or kEnded. Other stacks whose tables have it, too, look here.
  std::atomic<uint8_t> keeper{0};
  static constexpr uint8_t kEnded = 255;
};

}  // namespace plumbline::net::tcp
