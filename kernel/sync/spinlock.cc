#include "sync/spinlock.hh"

extern "C" [[gnu::no_caller_saved_registers]] void wait_for_spinlock(std::atomic<bool>* held) {
  do {
    // Only read while it is taken: the line stays shared, and the holder's store finds it so.
    while (held->load(std::memory_order_relaxed)) plumbline::cpu_relax();
  } while (held->exchange(true, std::memory_order_acquire));
}
