#include "net/tcp/domain.hh"

#include "net/tcp/connection.hh"

namespace plumbline::net::tcp {

void Domain::flush_deferred(Nanoseconds now) {
  // Again for what ends while it sends.
  while (deferred != nullptr) flush_once(now);
}

void Domain::flush_once(Nanoseconds now) {
  // First come, first served: the list has the last in front.
  Connection* first = nullptr;
  while (deferred != nullptr) {
    Connection* const connection = deferred;
    deferred = connection->next_deferred_;
    connection->next_deferred_ = first;
    first = connection;
  }
  while (first != nullptr) {
    Connection* const connection = first;
    first = connection->next_deferred_;
    connection->deferred_ = false;
    if (!connection->left_)
      connection->output(now);
    else if (connection->orphaned_)
      release(stack, *connection);
  }
}

bool Domain::take_challenge(Nanoseconds now) {
  const uint64_t second = now.count >> 30;
  if (second != challenge_second) {
    challenge_second = second;
    challenges_left = settings.challenges_per_second;
  }
  if (challenges_left == 0) return false;
  --challenges_left;
  return true;
}

}  // namespace plumbline::net::tcp
