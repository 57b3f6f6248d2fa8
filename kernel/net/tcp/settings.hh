// What can be set of TCP for all connections of a queue pair.
#pragma once

#include <cstdint>

#include "core/units.hh"

namespace plumbline::net::tcp {

// Explicit congestion notification (RFC 3168).
enum class EcnMode : uint8_t {
  kOff,
  kAccept,  // used when the peer asks for it; Linux's default, hence ours
  kAsk,     // our SYNs ask for it, too
};

// Defaults are Linux's where a program could tell the difference, and the RFCs' elsewhere.
struct Settings {
  // Bytes of memory that unread data may take (SO_RCVBUF): at first, and as far as it grows while
  // the program keeps up with the sender. The second decides on the window scale of our SYNs.
  uint32_t receive_buffer = 128 * kKiB;
  uint32_t receive_buffer_maximum = 6 * kMiB;
  // The same for bytes unsent or unacknowledged (SO_SNDBUF).
  uint32_t send_buffer = 64 * kKiB;
  uint32_t send_buffer_maximum = 4 * kMiB;

  bool timestamps = true;      // RFC 7323 section 3
  bool selective = true;       // RFC 2018
  bool window_scaling = true;  // RFC 7323 section 2
  EcnMode ecn = EcnMode::kAccept;
  // Smaller segments are tried when full-sized ones time out (RFC 4821 section 7.7).
  bool black_hole_detection = true;

  uint16_t minimum_mss = 48;  // of peers' MSS options and of path MTUs: below, headers are all
  uint16_t black_hole_mss =
      1024;  // what full-sized segments become when they vanish (RFC 4821 7.2)

  // RFC 9293 section 3.8.6.3: less than 500 ms.
  Nanoseconds delayed_acknowledgement = milliseconds(40);
  // How long FIN-WAIT-2 lasts for a connection that no program has any more.
  Nanoseconds fin_wait_2 = seconds(60);
  // No more than one challenge in this time per connection (RFC 5961 section 7).
  Nanoseconds challenge_interval = milliseconds(500);
  uint32_t challenges_per_second = 1000;  // of all connections of a domain
  // First time-out of a SYN (RFC 6298 section 2.1) and the largest of any (section 2.4 allows 60 s
  // and more).
  Nanoseconds initial_timeout = seconds(1);
  Nanoseconds maximum_timeout = seconds(120);

  uint8_t syn_retries = 6;     // 127 s
  uint8_t retries = 15;        // R2 of RFC 9293 section 3.8.3: 924 s
  uint8_t orphan_retries = 8;  // of a connection that no program has any more

  // RFC 9293 section 3.8.4: used by connections with keep-alive on.
  uint32_t keepalive_idle_seconds = 7200;
  uint32_t keepalive_interval_seconds = 75;
  uint8_t keepalive_probes = 9;
};

}  // namespace plumbline::net::tcp
