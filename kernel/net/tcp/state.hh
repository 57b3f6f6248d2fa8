// States of a connection (RFC 9293 section 3.3.2).
#pragma once

#include <cstdint>

namespace plumbline::net::tcp {

// Values: Linux, include/net/tcp_states.h, which programs see in TCP_INFO. LISTEN belongs to
// listeners, which are no connections.
enum class State : uint8_t {
  kEstablished = 1,
  kSynSent = 2,
  kSynReceived = 3,
  kFinWait1 = 4,
  kFinWait2 = 5,
  kTimeWait = 6,
  kClosed = 7,
  kCloseWait = 8,
  kLastAck = 9,
  kListen = 10,
  kClosing = 11,
};

namespace state_sets {
constexpr uint32_t bit(State state) { return uint32_t{1} << static_cast<unsigned>(state); }

// The handshake is over: data and window updates may pass.
inline constexpr uint32_t kSynchronized = bit(State::kEstablished) | bit(State::kFinWait1) |
                                          bit(State::kFinWait2) | bit(State::kCloseWait) |
                                          bit(State::kLastAck) | bit(State::kClosing);
// The peer may still send data.
inline constexpr uint32_t kReceiving =
    bit(State::kEstablished) | bit(State::kFinWait1) | bit(State::kFinWait2);
// Data (or our FIN) may still have to be sent, or sent again.
inline constexpr uint32_t kSending = bit(State::kEstablished) | bit(State::kCloseWait) |
                                     bit(State::kFinWait1) | bit(State::kClosing) |
                                     bit(State::kLastAck);
}  // namespace state_sets

constexpr bool is_one_of(State state, uint32_t set) { return (set & state_sets::bit(state)) != 0; }

}  // namespace plumbline::net::tcp
