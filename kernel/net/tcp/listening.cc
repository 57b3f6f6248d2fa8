// Listeners of a stack: they come and go.
#include "net/tcp/stack.hh"

namespace plumbline::net::tcp {

Status Stack::listen(Listener& listener) {
  ListenerQueue& queue = listener.queue(configuration_.number);
  ASSERT(queue.listener == nullptr);
  queue.listener = &listener;
  queue.at_home = listener.configuration().home == static_cast<int>(configuration_.number);
  queue.cookie_sent = false;
  const Status status = listeners_.add(queue);
  if (!status) queue.listener = nullptr;
  return status;
}

void Stack::unlisten(Listener& listener, Nanoseconds now) {
  ListenerQueue& queue = listener.queue(configuration_.number);
  if (queue.listener == nullptr) return;
  listeners_.remove(queue);
  while (HalfOpen* const record = queue.half_open.front()) forget(*record);
  while (Connection* const connection = accept(listener)) connection->abort(now);
  queue.listener = nullptr;
  flush(now);
}

}  // namespace plumbline::net::tcp
