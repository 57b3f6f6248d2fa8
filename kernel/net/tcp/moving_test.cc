// Connections that move between stacks: nothing is lost on the way, and nothing is left behind.
#include <doctest/doctest.h>

#include "net/tcp/stack_bench.hh"

namespace plumbline::net::tcp {
namespace {

using namespace tcp_flags;

// Two stacks of one host with a listener on the first; what one forwards the other receives at
// once, unless it is told to wait.
class Pair {
 public:
  Pair() : first(configuration(0)), second(configuration(1)), web() {
    first.stack->set_peer(1, *second.stack);
    second.stack->set_peer(0, *first.stack);
    REQUIRE(first.stack->listen(web.listener));
    here = this;
  }
  ~Pair() {
    first.stack->unlisten(web.listener, first.now);
    here = nullptr;
  }

  Connection* open(const FlowKey& key, Owner& owner) {
    ours = first.shake_hands(key);
    Connection* const connection = first.stack->accept(web.listener);
    REQUIRE(connection != nullptr);
    connection->set_owner(&owner);
    return connection;
  }
  // The peer asks through `by` and is answered by the stack that has the connection.
  void exchange(StackBench& by, StackBench& has, const FlowKey& key, Connection& connection) {
    by.hear(key,
            {.flags = kAck | kPsh, .sequence = theirs, .acknowledgement = ours, .payload = 10});
    theirs += 10;
    REQUIRE(connection.readable() == 10);
    std::string text;
    connection.read(100, has.now, [&](std::span<const std::byte> from) {
      text += text_of(from);
      return from.size();
    });
    CHECK(text.size() == 10);
    has.sent.clear();
    connection.send(20, false, has.now, [](std::span<std::byte> to) {
      std::memset(to.data(), 'x', to.size());
      return to.size();
    });
    has.stack->flush(has.now);
    const StackBench::Sent answer = has.next();
    CHECK(answer.payload.size() == 20);
    CHECK(answer.segment.sequence.value == ours);
    CHECK(answer.segment.acknowledgement.value == theirs);
    ours += 20;
    by.hear(key, {.flags = kAck, .sequence = theirs, .acknowledgement = ours});
    CHECK(connection.in_flight() == 0);
    by.sent.clear();
    has.sent.clear();
  }

  // What has ended goes from one to the other and back until both have forgotten it.
  void settle() {
    for (int i = 0; i < 2; ++i) {
      second.stack->flush(second.now);
      first.stack->flush(first.now);
    }
  }

  static StackConfiguration configuration(uint16_t number) {
    StackConfiguration made = StackBench::standard();
    made.number = number;
    made.ports.stack = number;
    made.ports.stacks = 2;
    made.forward = [](void*, PacketBuffer* frame, unsigned stack) {
      if (!here->reachable) return false;
      if (here->waiting != nullptr) {
        *here->waiting = frame;
        here->waiting = nullptr;
        return true;
      }
      here->deliver(frame, stack);
      return true;
    };
    return made;
  }
  void deliver(PacketBuffer* frame, unsigned stack) {
    Stack& to = stack == 0 ? *here->first.stack : *here->second.stack;
    FlowKey addresses = StackBench::key();
    addresses.local_port = addresses.remote_port = 0;
    ++here->forwarded;
    to.set_forwarded(true);
    to.receive(frame, StackBench::kHeaderRoom, frame->length - StackBench::kHeaderRoom, addresses,
               false, here->first.now);
    to.flush(here->first.now);
    to.set_forwarded(false);
  }

  static inline Pair* here = nullptr;
  StackBench first, second;
  BenchListener web{BenchListener::port_80(), 10, 2};
  uint32_t ours = 0, theirs = 1001;
  unsigned forwarded = 0;
  bool reachable = true;
  // Where the next frame that is forwarded waits instead of being delivered.
  PacketBuffer** waiting = nullptr;
};

struct TestOwner : Owner {
  TestOwner() {
    notify = [](Owner& owner, Connection&, uint32_t events) {
      static_cast<TestOwner&>(owner).events |= events;
    };
  }
  uint32_t events = 0;
};

TEST_CASE("a connection that has moved is served by either queue, and moves back") {
  Pair pair;
  TestOwner owner;
  const FlowKey key = StackBench::key();
  Connection* const connection = pair.open(key, owner);
  pair.exchange(pair.first, pair.first, key, *connection);
  CHECK(pair.forwarded == 0);
  REQUIRE(pair.second.stack->move_here(*pair.first.stack, *connection, pair.second.now));
  CHECK(pair.second.stack->statistics().moved_in == 1);
  pair.exchange(pair.first, pair.second, key, *connection);
  CHECK(pair.forwarded == 2);
  pair.exchange(pair.second, pair.second, key, *connection);
  CHECK(pair.forwarded == 2);
  REQUIRE(pair.first.stack->move_here(*pair.second.stack, *connection, pair.first.now));
  pair.exchange(pair.second, pair.first, key, *connection);
  CHECK(pair.forwarded == 4);
  pair.exchange(pair.first, pair.first, key, *connection);
  CHECK(pair.forwarded == 4);
  REQUIRE(pair.second.stack->move_here(*pair.first.stack, *connection, pair.second.now));
  pair.exchange(pair.first, pair.second, key, *connection);

  SUBCASE("the peer resets it") {
    pair.first.hear(key, {.flags = kRst, .sequence = pair.theirs});
    CHECK((owner.events & Event::kFailed) != 0);
    connection->close(pair.second.now);
  }
  SUBCASE("the peer closes first") {
    pair.first.hear(key,
                    {.flags = kFin | kAck, .sequence = pair.theirs, .acknowledgement = pair.ours});
    CHECK(connection->peer_closed());
    connection->close(pair.second.now);
    pair.second.stack->flush(pair.second.now);
    pair.first.hear(key,
                    {.flags = kAck, .sequence = pair.theirs + 1, .acknowledgement = pair.ours + 1});
  }
  SUBCASE("we close first, and a record answers for it") {
    connection->close(pair.second.now);
    pair.second.stack->flush(pair.second.now);
    pair.second.sent.clear();
    pair.first.hear(
        key, {.flags = kFin | kAck, .sequence = pair.theirs, .acknowledgement = pair.ours + 1});
    CHECK(pair.second.stack->time_waits() == 1);
    CHECK(pair.second.next().segment.acknowledgement.value == pair.theirs + 1);
  }
  pair.settle();
  CHECK(pair.first.stack->connections() == 0);
  CHECK(pair.second.stack->connections() == 0);
}

TEST_CASE("the ends of one that has ended are free, also while its owner still has it") {
  Pair pair;
  TestOwner owner, next;
  const FlowKey key = StackBench::key();
  Connection* const connection = pair.open(key, owner);
  REQUIRE(pair.second.stack->move_here(*pair.first.stack, *connection, pair.second.now));
  pair.exchange(pair.first, pair.second, key, *connection);
  pair.first.hear(key, {.flags = kRst, .sequence = pair.theirs});
  CHECK((owner.events & Event::kFailed) != 0);
  pair.theirs = 5001;
  pair.ours = pair.first.shake_hands(key, 5000);
  Connection* const again = pair.first.stack->accept(pair.web.listener);
  REQUIRE(again != nullptr);
  again->set_owner(&next);
  pair.exchange(pair.first, pair.first, key, *again);
  connection->close(pair.second.now);
  pair.settle();
  CHECK(pair.first.stack->connections() == 1);
  pair.exchange(pair.first, pair.first, key, *again);
  again->abort(pair.first.now);
  pair.first.stack->flush(pair.first.now);
}

TEST_CASE("only what is at rest moves") {
  Pair pair;
  TestOwner owner;
  const FlowKey key = StackBench::key();
  Connection* const connection = pair.open(key, owner);
  Stack& to = *pair.second.stack;
  pair.first.hear(key,
                  {.flags = kAck, .sequence = 1001, .acknowledgement = pair.ours, .payload = 3});
  CHECK(!to.move_here(*pair.first.stack, *connection, pair.second.now));
  connection->read(3, pair.first.now, [](std::span<const std::byte> from) { return from.size(); });
  // Behind a gap.
  pair.first.hear(key,
                  {.flags = kAck, .sequence = 2000, .acknowledgement = pair.ours, .payload = 3});
  CHECK(!to.move_here(*pair.first.stack, *connection, pair.second.now));
  CHECK(to.connections() == 0);
  CHECK(to.statistics().moved_in == 0);
  connection->abort(pair.first.now);
}

TEST_CASE("a delayed ACK moves along, and so does a keep-alive") {
  Pair pair;
  TestOwner owner;
  const FlowKey key = StackBench::key();
  Connection* const connection = pair.open(key, owner);
  // Past those that are acknowledged at once.
  for (int i = 0; i < 20; ++i) pair.exchange(pair.first, pair.first, key, *connection);
  connection->set_keepalive({.on = true, .idle_seconds = 10}, pair.first.now);
  pair.first.hear(
      key, {.flags = kAck, .sequence = pair.theirs, .acknowledgement = pair.ours, .payload = 5});
  connection->read(5, pair.first.now, [](std::span<const std::byte> from) { return from.size(); });
  REQUIRE(pair.second.stack->move_here(*pair.first.stack, *connection, pair.second.now));
  pair.first.sent.clear();
  pair.second.sent.clear();
  pair.second.advance(milliseconds(100));
  CHECK(pair.second.next().segment.acknowledgement.value == pair.theirs + 5);
  pair.second.advance(seconds(11));
  CHECK(!pair.second.sent.empty());
  CHECK(pair.first.sent.empty());
  connection->abort(pair.second.now);
  pair.second.stack->flush(pair.second.now);
  pair.first.stack->flush(pair.first.now);
  CHECK(pair.first.stack->connections() == 0);
}

TEST_CASE("an answer to what the other stack has opened finds it") {
  Pair pair;
  TestOwner owner;
  FlowKey key = StackBench::key(80, 1, 0);
  const auto opening = pair.second.stack->open(key, pair.second.now);
  REQUIRE(opening);
  key = opening->connection->key;
  CHECK(key.local_port % 2 == 1);
  opening->connection->set_owner(&owner);
  opening->connection->connect(opening->initial, opening->timestamp_offset, pair.second.now);
  pair.second.stack->flush(pair.second.now);
  pair.first.hear(
      key, {.flags = kSyn | kAck, .sequence = 100, .acknowledgement = opening->initial.value + 1});
  CHECK((owner.events & Event::kConnected) != 0);
  CHECK(pair.forwarded == 1);
  // What nobody has is dropped there, and answered with a RST where the device brought it.
  pair.first.sent.clear();
  pair.second.sent.clear();
  FlowKey nobody = key;
  nobody.local_port = static_cast<uint16_t>(key.local_port ^ 1);
  pair.first.hear(nobody, {.flags = kAck, .sequence = 1, .acknowledgement = 1});
  CHECK(pair.first.sent.size() == 1);
  opening->connection->abort(pair.second.now);
  pair.second.stack->flush(pair.second.now);
}

TEST_CASE("what is on its way to a stack that its connection leaves is nobody's") {
  Pair pair;
  TestOwner owner;
  const FlowKey key = StackBench::key();
  Connection* const connection = pair.open(key, owner);
  REQUIRE(pair.second.stack->move_here(*pair.first.stack, *connection, pair.second.now));
  PacketBuffer* late = nullptr;
  pair.waiting = &late;
  pair.first.hear(
      key,
      {.flags = kAck | kPsh, .sequence = pair.theirs, .acknowledgement = pair.ours, .payload = 10});
  REQUIRE(late != nullptr);
  REQUIRE(pair.first.stack->move_here(*pair.second.stack, *connection, pair.first.now));
  pair.deliver(late, 1);
  CHECK(connection->readable() == 0);
  CHECK(pair.second.stack->statistics().late_forward == 1);
  // The peer sends it again.
  pair.exchange(pair.first, pair.first, key, *connection);
  connection->abort(pair.first.now);
  pair.settle();
  CHECK(pair.first.stack->connections() == 0);
}

TEST_CASE("an error about a connection is heard by the stack that has it") {
  Pair pair;
  TestOwner owner;
  const FlowKey key = StackBench::key();
  Connection* const connection = pair.open(key, owner);
  REQUIRE(pair.second.stack->move_here(*pair.first.stack, *connection, pair.second.now));
  connection->send(10, false, pair.second.now, [](std::span<std::byte> to) {
    std::memset(to.data(), 'x', to.size());
    return to.size();
  });
  pair.second.stack->flush(pair.second.now);
  CHECK(!pair.first.stack->packet_too_big(key, 1280, {pair.ours}, pair.first.now));
  CHECK(pair.second.stack->packet_too_big(key, 1280, {pair.ours}, pair.second.now));
  CHECK(
      !pair.first.stack->unreachable(key, Errno::kEHOSTUNREACH, true, {pair.ours}, pair.first.now));
  connection->abort(pair.second.now);
  pair.settle();
}

TEST_CASE("a port of another stack's where nobody is refuses") {
  Pair pair;
  FlowKey key = StackBench::key();
  // The first chooses even ones.
  key.local_port = 40001;
  SUBCASE("there") {
    pair.first.hear(key, {.flags = kSyn, .sequence = 1});
    CHECK(pair.forwarded == 1);
    CHECK(pair.second.next().segment.has(kRst));
  }
  SUBCASE("here, when there is no way to it") {
    pair.reachable = false;
    pair.first.hear(key, {.flags = kSyn, .sequence = 1});
    CHECK(pair.first.next().segment.has(kRst));
  }
}

TEST_CASE("a connection does not move to where a record has its ends") {
  Pair pair;
  TestOwner owner, next;
  const FlowKey key = StackBench::key();
  Connection* const connection = pair.open(key, owner);
  REQUIRE(pair.second.stack->move_here(*pair.first.stack, *connection, pair.second.now));
  pair.exchange(pair.first, pair.second, key, *connection);
  connection->close(pair.second.now);
  pair.second.stack->flush(pair.second.now);
  pair.first.hear(
      key, {.flags = kFin | kAck, .sequence = pair.theirs, .acknowledgement = pair.ours + 1});
  REQUIRE(pair.second.stack->time_waits() == 1);
  pair.settle();
  pair.theirs = 5001;
  pair.ours = pair.first.shake_hands(key, 5000);
  Connection* const again = pair.first.stack->accept(pair.web.listener);
  REQUIRE(again != nullptr);
  again->set_owner(&next);
  CHECK(!pair.second.stack->move_here(*pair.first.stack, *again, pair.second.now));
  pair.exchange(pair.first, pair.first, key, *again);
  again->abort(pair.first.now);
  pair.first.stack->flush(pair.first.now);
}

}  // namespace
}  // namespace plumbline::net::tcp
