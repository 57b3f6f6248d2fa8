#include "net/tcp/proportional_rate.hh"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

namespace plumbline::net::tcp {
namespace {

// In segments of one byte, as RFC 6937's examples count.
class Recovery {
 public:
  Recovery(uint32_t flight, uint32_t threshold) : threshold_(threshold) { rate_.start(flight); }

  // What is sent upon an acknowledgement of `delivered` that leaves `pipe` in flight.
  uint32_t acknowledge(uint32_t delivered, uint32_t pipe, bool advancing) {
    rate_.acknowledged(delivered, pipe, threshold_, 1, advancing);
    const uint32_t allowed = rate_.allowed();
    rate_.sent(allowed);
    return allowed;
  }

 private:
  ProportionalRate rate_;
  uint32_t threshold_;
};

// RFC 6937, section 5's first figure: 20 segments in flight, the first is lost, the threshold
// is 10. Each acknowledgement takes one out of the pipe; the third one begins recovery.
TEST_CASE("one loss of 20: every other acknowledgement sends one (RFC 6937, section 5)") {
  Recovery recovery(20, 10);
  std::string sent;
  // 19 SACKs arrive; three of them before recovery, whose last one also counts in it.
  uint32_t pipe = 20 - 1 - 2, total = 0;  // one lost, two sacked before
  for (int ack = 3; ack <= 19; ++ack) {
    --pipe;
    const uint32_t count = recovery.acknowledge(1, pipe, false);
    pipe += count;
    total += count;
    sent += static_cast<char>('0' + count);
  }
  // Half of what is delivered is sent, without bursts and pauses, until the threshold is reached;
  // then it is held.
  CHECK(sent.substr(0, 11) == "10101010101");
  CHECK(sent.find("000") == std::string::npos);
  CHECK(sent.find('2') == std::string::npos);
  CHECK(total == 10);
  CHECK(pipe == 10);
}

// The second figure: 15 of the 20 are lost (the first 15), 4 remain that are SACKed: the pipe is
// below the threshold at once. The conservative bound sends what is delivered, one for one; the
// slow start bound one more each.
TEST_CASE("most of a window lost: packet conservation, or slow start (RFC 6937, section 5)") {
  Recovery careful(20, 10), bold(20, 10);
  uint32_t pipe = 4;
  for (int ack = 0; ack < 4; ++ack) {
    const uint32_t count = careful.acknowledge(1, pipe - 1, false);
    CHECK(count == 1);
    pipe = pipe - 1 + count;
  }
  CHECK(pipe == 4);
  pipe = 4;
  for (int ack = 0; ack < 8; ++ack) {
    const uint32_t count = bold.acknowledge(1, pipe - 1, true);
    CHECK(count == std::min<uint32_t>(2, 10 - (pipe - 1)));
    pipe = pipe - 1 + count;
  }
  CHECK(pipe == 10);
}

TEST_CASE("what was sent is taken off, the first segment waits for nothing") {
  ProportionalRate rate;
  rate.start(20000);
  rate.acknowledged(0, 16000, 10000, 1000, false);
  CHECK(rate.allowed() == 0);
  rate.allow_at_least(1000);
  CHECK(rate.allowed() == 1000);
  rate.sent(1000);
  CHECK(rate.allowed() == 0);
  // The retransmission is one that later deliveries have to earn.
  rate.acknowledged(1000, 15000, 10000, 1000, false);
  CHECK(rate.allowed() == 0);
  rate.acknowledged(1000, 14000, 10000, 1000, false);
  CHECK(rate.allowed() == 0);
  rate.acknowledged(1000, 13000, 10000, 1000, false);
  CHECK(rate.allowed() == 500);
  rate.start(0);
  CHECK(rate.allowed() == 0);
  rate.acknowledged(100, 50, 10, 1000, false);
  CHECK(rate.allowed() == 0);
}

}  // namespace
}  // namespace plumbline::net::tcp
