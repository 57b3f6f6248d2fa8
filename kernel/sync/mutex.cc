#include "sync/mutex.hh"

namespace plumbline {

void Mutex::lock_slow() {
  // Whoever gets it here says "contended", since others may have queued meanwhile; at worst one
  // wake is for nothing.
  waiters_.wait_until(
      [this] { return state_.exchange(kContended, std::memory_order_acquire) == kFree; });
}

}  // namespace plumbline
