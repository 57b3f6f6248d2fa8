#include "net/simulator/application.hh"

#include <doctest/doctest.h>

#include <deque>

namespace plumbline::net::simulator {
namespace {

// The trivial transport: bytes reach the other end a while later, through a buffer of a few of
// them. `damage` makes it a bad one, so that the checks of the applications can be seen to work.
class Pipe final : public ByteStream {
 public:
  enum class Damage { kNone, kFlip, kRepeat, kLose, kReset };

  Pipe(EventQueue& queue, Damage damage) : queue_(queue), damage_(damage) {}
  static void join(Pipe& a, Pipe& b) {
    a.peer_ = &b;
    b.peer_ = &a;
  }

  Condition condition() const override { return failed_ ? Condition::kFailed : Condition::kOpen; }
  int error() const override { return failed_ ? 104 : 0; }
  size_t write(std::span<const std::byte> bytes) override {
    const size_t length = std::min(bytes.size(), kRoom - in_flight_);
    in_flight_ += length;
    if (length != 0)
      queue_.after(milliseconds(1),
                   [this, sent = std::vector<std::byte>(
                              bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(length))] {
                     peer_->arrive(sent);
                   });
    return length;
  }
  size_t read(std::span<std::byte> to) override {
    const size_t length = std::min(to.size(), received_.size());
    std::copy_n(received_.begin(), length, to.begin());
    received_.erase(received_.begin(), received_.begin() + static_cast<ptrdiff_t>(length));
    peer_->in_flight_ -= length;
    if (length != 0) queue_.after(milliseconds(1), [peer = peer_] { peer->call(); });
    return length;
  }
  bool at_end() const override { return ended_ && received_.empty(); }
  void finish() override {
    queue_.after(milliseconds(1), [peer = peer_] {
      peer->ended_ = true;
      peer->call();
    });
  }
  void close() override { received_.empty() && !abrupt_close_ ? finish() : abort(); }
  void abort() override {
    queue_.after(milliseconds(1), [peer = peer_] {
      peer->failed_ = true;
      peer->call();
    });
  }
  void close_abruptly() { abrupt_close_ = true; }

 private:
  static constexpr size_t kRoom = 3000;

  void arrive(std::vector<std::byte> bytes) {
    if (damage_ == Damage::kFlip && total_ > 5000) bytes[0] ^= std::byte{1};
    if (damage_ == Damage::kReset && total_ > 5000) failed_ = true;
    if (damage_ != Damage::kLose || total_ < 5000)
      received_.insert(received_.end(), bytes.begin(), bytes.end());
    if (damage_ == Damage::kRepeat && total_ > 5000)
      received_.insert(received_.end(), bytes.begin(), bytes.end());
    total_ += bytes.size();
    if (damage_ != Damage::kNone && total_ > 5000) in_flight_ = 0, peer_->in_flight_ = 0;
    call();
  }
  void call() {
    if (wake) wake();
  }

  EventQueue& queue_;
  Damage damage_;
  Pipe* peer_ = nullptr;
  std::deque<std::byte> received_;
  size_t in_flight_ = 0;
  size_t total_ = 0;
  bool ended_ = false;
  bool failed_ = false;
  bool abrupt_close_ = false;
};

struct Dialogue {
  Dialogue(const Script& client_script, const Script& server_script,
           Pipe::Damage damage = Pipe::Damage::kNone)
      : client_end(queue, damage),
        server_end(queue, Pipe::Damage::kNone),
        client("client", queue, violations, client_script, to_server, {server_script, to_client}),
        server("server", queue, violations, server_script, to_client, {client_script, to_server}) {
    Pipe::join(client_end, server_end);
    if (client_script.ending == Script::Ending::kClosedRead) client_end.close_abruptly();
    client.start(client_end);
    server.start(server_end);
    while (queue.run_one(seconds(1000)) && !(client.finished() && server.finished())) {
    }
  }

  EventQueue queue;
  Violations violations;
  BytePattern to_server{1, 1000, true};
  BytePattern to_client{1, 1000, false};
  Pipe client_end, server_end;
  Application client, server;
};

TEST_CASE("bulk both ways, with pauses, a late and slow reader and a stall") {
  Script script{.total = 100'000, .write_size = 1000};
  script.write_gap = microseconds(100);
  Script slow{.total = 50'000, .read_size = 700};
  slow.read_gap = microseconds(300);
  slow.read_from = milliseconds(100);
  slow.stall_after = 20'000;
  slow.stall_time = seconds(2);
  Dialogue dialogue(script, slow);
  CHECK(dialogue.violations.none());
  CHECK(dialogue.client.complete());
  CHECK(dialogue.server.complete());
  CHECK(dialogue.server.received() == 100'000);
  CHECK(dialogue.client.received() == 50'000);
  CHECK(dialogue.queue.now() > seconds(2));
}

TEST_CASE("requests and responses take turns") {
  const Script client{.total = 100 * 50, .first = 100, .unit = 10'000, .each = 100};
  Script server{.total = 10'000 * 50, .first = 0, .unit = 100, .each = 10'000};
  server.ending = Script::Ending::kAfterPeer;
  Dialogue dialogue(client, server);
  CHECK(dialogue.violations.none());
  CHECK(dialogue.client.complete());
  CHECK(dialogue.server.complete());
  // Each turn takes at least both ways.
  CHECK(dialogue.queue.now() > milliseconds(100));
}

TEST_CASE("abrupt ends leave the other end without a complaint") {
  using enum Script::Ending;
  for (const auto ending : {kAbortSent, kAbortRead, kClosedRead}) {
    Script client{.total = 100'000};
    client.ending = ending;
    client.ending_bytes = 10'000;
    Dialogue dialogue(client, {.total = 100'000});
    CHECK(dialogue.violations.none());
    CHECK(dialogue.client.finished());
    CHECK(dialogue.server.finished());
    CHECK(!dialogue.client.complete());
    CHECK(!dialogue.server.complete());
  }
}

TEST_CASE("one way, closed at once") {
  Script client{.total = 10'000};
  client.ending = Script::Ending::kWhenSent;
  Script server;
  server.ending = Script::Ending::kAfterPeer;
  Dialogue dialogue(client, server);
  CHECK(dialogue.violations.none());
  CHECK(dialogue.server.complete());
}

TEST_CASE("wrong, repeated, lost bytes and resets are found") {
  using enum Pipe::Damage;
  for (const auto damage : {kFlip, kRepeat, kLose, kReset}) {
    CAPTURE(static_cast<int>(damage));
    Dialogue dialogue({.total = 20'000}, {.total = 20'000}, damage);
    CHECK(!dialogue.violations.none());
  }
}

}  // namespace
}  // namespace plumbline::net::simulator
