// Connections that one stack takes over from another, because they are used on its CPU.
//
// The stack that made it keeps the memory. Each stack that has ever had it keeps an entry in its
// flow table, which leads to whoever has it now: the device may go on giving segments to a queue
// for as long as it likes. What has ended goes from stack to stack until all have forgotten it; the
// maker is the last. While a connection moves both stacks are held by one thread, so no segment
// finds it in between.
#include <bit>

#include "net/tcp/stack.hh"

namespace plumbline::net::tcp {

bool Connection::may_move() const {
  return state_ == State::kEstablished && !deferred_ && !orphaned_ && !fin_queued_ &&
         owner_ != nullptr && send_queue_.size() == 0 && receive_queue_.memory() == 0 &&
         in_flight() == 0 && !blocked_;
}

void Connection::move_to(Domain& domain) {
  domain_->timers->cancel(timer_);
  domain_ = &domain;
  send_queue_.move_to(*domain.memory);
  receive_queue_.move_to(*domain.memory);
  recovery_.move_to(*domain.recovery);
  // What the way to the peer was, another interface may reach it otherwise.
  route_ = {};
}

void Connection::resume(Nanoseconds now) {
  if (acknowledge_now_) defer();
  arm_next(now);
}

void Connection::strip() {
  ASSERT(left_ && !deferred_);
  domain_->timers->cancel(timer_);
  recovery_.clear();
  send_queue_.acknowledge(send_queue_.size());
  receive_queue_.clear();
}

bool Stack::move_here(Stack& from, Connection& connection, Nanoseconds now) {
  if (&from == this || !connection.may_move()) return false;
  const uint64_t known = connection.known.load(std::memory_order_relaxed);
  if ((known & own_bit()) == 0) {
    // A record of TIME-WAIT is still here, or one that has ended and was not forgotten yet.
    if (flows_.find(connection.key) != nullptr) return false;
    if (!flows_.insert(connection)) return false;
    ++shared_;
  }
  if (connection.maker == nullptr) {
    connection.maker = &from;
    connection.known.fetch_or(from.own_bit(), std::memory_order_relaxed);
    ++from.shared_;
  }
  connection.known.fetch_or(own_bit(), std::memory_order_relaxed);
  connection.move_to(domain_);
  // Relaxed: whoever reads it only chooses a channel by it, whose reader has this stack.
  connection.keeper.store(static_cast<uint8_t>(configuration_.number + 1),
                          std::memory_order_relaxed);
  connection.resume(now);
  ++statistics_.moved_in;
  return true;
}

// True: what another stack sent here is for a connection that has left meanwhile, so nobody may
// touch it; the peer will send it again.
bool Stack::has_moved_on(const FlowKey& key, PacketBuffer* frame) {
  const Flow* const flow = flows_.find(key);
  if (flow == nullptr || flow->kind != FlowKind::kConnection || has(*flow)) return false;
  ++statistics_.late_forward;
  release_chain(frame);
  return true;
}

// True: it was for another stack, and is on its way.
bool Stack::forward(const FlowKey& key, PacketBuffer* frame) {
  Flow* const flow = flows_.find(key);
  unsigned to;
  if (flow != nullptr) {
    if (flow->kind != FlowKind::kConnection || has(*flow)) return false;
    const uint8_t keeper = flow->keeper.load(std::memory_order_relaxed);
    if (keeper == Flow::kEnded) {
      // It is on its way here to be forgotten. Its ends may be used again already.
      flows_.remove(*flow);
      forget_shared(static_cast<Connection&>(*flow));
      return false;
    }
    to = keeper - 1U;
  } else {
    // What a stack has opened is answered to wherever the device thinks.
    if (!is_port_elsewhere(key.local_port) || listeners_.listens(key.local_port)) return false;
    to = key.local_port % configuration_.ports.stacks;
  }
  if (!configuration_.forward(configuration_.below, frame, to)) return false;
  ++statistics_.forwarded;
  return true;
}

void Stack::forget_shared(Connection& connection) {
  --shared_;
  // Release: the maker frees it when it sees that nobody knows it, and nothing here comes later.
  connection.known.fetch_and(~own_bit(), std::memory_order_release);
}

// To the next that knows it, or to its maker.
void Stack::pass_on(Connection& connection) {
  Stack* const maker = connection.maker;
  const uint64_t others =
      connection.known.load(std::memory_order_acquire) & ~maker->own_bit() & ~own_bit();
  Stack* const next = others == 0 ? maker : peers_[static_cast<size_t>(std::countr_zero(others))];
  Connection* first = next->returned_.load(std::memory_order_relaxed);
  do {
    connection.next_returned = first;
    // Release: what was done with it is over.
  } while (!next->returned_.compare_exchange_weak(first, &connection, std::memory_order_release,
                                                  std::memory_order_relaxed));
}

void Stack::take_returned() {
  Connection* connection = returned_.exchange(nullptr, std::memory_order_acquire);
  while (connection != nullptr) {
    Connection* const next = connection->next_returned;
    if ((connection->known.load(std::memory_order_relaxed) & own_bit()) != 0) {
      flows_.remove(*connection);
      forget_shared(*connection);
      ++removals_;
    }
    if (connection->maker == this && connection->known.load(std::memory_order_acquire) == 0)
      connections_.destroy(connection);
    else
      pass_on(*connection);
    connection = next;
  }
}

}  // namespace plumbline::net::tcp
