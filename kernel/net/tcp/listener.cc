#include "net/tcp/listener.hh"

#include <bit>

namespace plumbline::net::tcp {

int Listener::next_ready(unsigned preferred) const {
  const uint64_t ready = ready_stacks_.load(std::memory_order_acquire);
  if (ready == 0) return -1;
  // From `preferred` on upwards and round, so that nobody is always the last.
  const auto shift = static_cast<int>(preferred % kMaximumStacks);
  return static_cast<int>((std::countr_zero(std::rotr(ready, shift)) + preferred) % kMaximumStacks);
}

void Listener::push(unsigned stack, Connection& connection) {
  queue(stack).waiting.push_back(&connection);
  queued_.fetch_add(1, std::memory_order_relaxed);
  // Release: who learns of the bit without the domain sees what was done to the connection before.
  ready_stacks_.fetch_or(uint64_t{1} << stack, std::memory_order_release);
  if (configuration_.ready != nullptr) configuration_.ready(configuration_.owner, *this, stack);
}

Connection* Listener::pop(unsigned stack) {
  ListenerQueue& from = queue(stack);
  Connection* const connection = from.waiting.pop_front();
  if (connection == nullptr) return nullptr;
  queued_.fetch_sub(1, std::memory_order_relaxed);
  if (from.waiting.empty())
    ready_stacks_.fetch_and(~(uint64_t{1} << stack), std::memory_order_relaxed);
  return connection;
}

}  // namespace plumbline::net::tcp
