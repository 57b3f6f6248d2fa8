// The short ways do what the long ones do: the same dialogue with two connections, one of which
// never takes a short way. And what happens when memory is short.
#include <doctest/doctest.h>

#include <random>

#include "net/tcp/connection_script.hh"

namespace plumbline::net::tcp {

struct LongWay {
  static void force(Connection& connection) {
    connection.predicted_flags_ = Connection::kNothingPredicted;
  }
};

namespace {

using Script = ConnectionScript;

// What a dialogue with random steps made the connection send and know.
struct Record {
  std::vector<std::string> sent;
  std::string end;
  uint64_t predicted;
};

void note(Script& script, Record& record) {
  while (const auto sent = script.next()) {
    const Segment& segment = sent->segment;
    std::string text =
        std::to_string(segment.flags) + ' ' + std::to_string(segment.sequence.value) + '+' +
        std::to_string(segment.length) + ' ' + std::to_string(segment.acknowledgement.value) +
        " win " + std::to_string(segment.window) + " cut " +
        std::to_string(sent->how.segment_size) + " at " + std::to_string(sent->at.count);
    if (segment.options.has_timestamp)
      text += " TS " + std::to_string(segment.options.timestamp_value) + ' ' +
              std::to_string(segment.options.timestamp_echo);
    for (unsigned i = 0; i < segment.options.sack_count; ++i)
      text += ' ' + std::to_string(segment.options.sack[i].begin.value);
    record.sent.push_back(text);
  }
}

Record run(uint32_t seed, bool long_way, bool options) {
  Script script(options ? Settings{} : Script::plain());
  script.establish(options ? Script::Peer{"mss 1000, sackOK, TS val 100 ecr 0, wscale 5", 2000}
                           : Script::Peer{"mss 1000", 30000});
  if (long_way) script.before_each = LongWay::force;
  std::mt19937 random(seed);
  const auto between = [&](uint32_t least, uint32_t most) {
    return std::uniform_int_distribution<uint32_t>(least, most)(random);
  };
  Record record;
  uint32_t peer = 1;  // the peer's next number
  uint32_t ours = 1;  // what the peer has acknowledged
  if (between(0, 1) != 0) script->set_no_delay(true, script.now);
  for (unsigned step = 0; step < 300; ++step) {
    const uint32_t what = between(0, 9);
    const uint32_t sent = script->send_next().value - Script::kInitialSend;
    if (what < 4) {
      // The peer's next data, with an acknowledgement of some of ours.
      ours = between(ours, sent);
      const uint32_t length = between(1, 1500);
      script.receive_more((between(0, 1) != 0 ? "P. " : ". ") + std::to_string(peer) + ':' +
                          std::to_string(peer + length) + '(' + std::to_string(length) + ") ack " +
                          std::to_string(ours) + " win " + std::to_string(between(500, 60000)));
      peer = script->receive_next().value - Script::kInitialReceive;
    } else if (what < 5) {
      ours = between(ours, sent);
      script.receive_more(". " + std::to_string(peer) + ':' + std::to_string(peer) + "(0) ack " +
                          std::to_string(ours) + " win " + std::to_string(between(500, 60000)));
    } else if (what < 7) {
      script.send(between(1, 2500), between(0, 5) == 0);
    } else if (what < 8) {
      script.read(between(1, 5000));
    } else if (what < 9) {
      script.advance(microseconds(between(10, 30000)));
    } else {
      // Something strange, now and then.
      const uint32_t gap = between(0, 3) * 500;
      script.receive_more(". " + std::to_string(peer + gap) + ':' +
                          std::to_string(peer + gap + 100) + "(100) ack " + std::to_string(ours));
      peer = script->receive_next().value - Script::kInitialReceive;
    }
    if (between(0, 2) != 0) script.flush();
    note(script, record);
  }
  script.flush();
  script.advance(seconds(1));
  note(script, record);
  const Information information = script->information(script.now);
  record.end =
      std::to_string(information.congestion_window) + ' ' +
      std::to_string(information.round_trip.count) + ' ' + std::to_string(information.send_window) +
      ' ' + std::to_string(information.receive_window) + ' ' +
      std::to_string(information.counters.bytes_received) + ' ' +
      std::to_string(information.counters.bytes_acknowledged) + ' ' +
      std::to_string(information.receive_segment) + ' ' + std::to_string(script->readable());
  record.predicted = script.domain.statistics.predicted;
  return record;
}

TEST_CASE("short and long ways: the same segments at the same times, the same figures") {
  uint64_t predicted = 0;
  for (uint32_t seed = 1; seed <= 200; ++seed) {
    CAPTURE(seed);
    for (const bool options : {false, true}) {
      CAPTURE(options);
      const Record quick = run(seed, false, options);
      const Record thorough = run(seed, true, options);
      CHECK(thorough.predicted == 0);
      predicted += quick.predicted;
      for (size_t i = 0; i < std::min(quick.sent.size(), thorough.sent.size()); ++i) {
        CAPTURE(i);
        REQUIRE(quick.sent[i] == thorough.sent[i]);
      }
      REQUIRE(quick.sent.size() == thorough.sent.size());
      REQUIRE(quick.end == thorough.end);
    }
  }
  CHECK(predicted > 10000);
}

TEST_CASE("no device buffers: nothing is sent, and it goes on when there are some") {
  Script script;
  script.establish();
  script.send(100);
  script.expect("P. 1:101(100) ack 1");
  CHECK(script.send(100) == 100);  // held back by Nagle's rule: its memory is there
  auto taken = script.take_buffers();
  script->set_no_delay(true, script.now);
  CHECK(script.sent_count() <= 1);
  script.advance(milliseconds(5));
  for (PacketBuffer* const buffer : taken) release(buffer);
  script.advance(seconds(1));
  CHECK(script.domain.statistics.no_buffer + script.sent_count() > 0);
  // All 200 bytes go in the end.
  uint32_t end = 0;
  while (const auto sent = script.next())
    end = std::max(end, sent->segment.end().value - Script::kInitialSend);
  CHECK(end == 201);
}

TEST_CASE("no buffer for an ACK: the data comes again, and so does the reason for it") {
  Script script;
  script.establish();
  script.receive_more(". 1:101(100) ack 1");
  auto taken = script.take_buffers();
  script.flush();
  script.expect_nothing();
  CHECK(script.domain.statistics.no_buffer == 1);
  for (PacketBuffer* const buffer : taken) release(buffer);
  script.receive(". 1:101(100) ack 1");
  script.expect(". 1:1(0) ack 101");
}

TEST_CASE("no memory for what a program sends: it is told when there is") {
  Script script;
  script.establish();
  script.set_memory_limit(0);
  auto taken = script.take_buffers();
  CHECK(script.send(100) == 0);
  script.events();
  for (PacketBuffer* const buffer : taken) release(buffer);
  script.set_memory_limit(SIZE_MAX);
  script.advance(milliseconds(20));
  CHECK((script.events() & kWritable) != 0);
  CHECK(script.send(100) == 100);
  script.expect("P. 1:101(100) ack 1");
}

TEST_CASE("a device that drops what it is given is a path that loses") {
  Script script;
  script.establish();
  script.drop_frames = true;
  script.send(1000);
  CHECK(script.next());
  script.drop_frames = false;
  script.advance(seconds(3));
  script.expect("P. 1:1001(1000) ack 1");
}

}  // namespace
}  // namespace plumbline::net::tcp
