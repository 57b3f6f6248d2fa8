#include "sync/biased_lock.hh"

#include "memory/address_space.hh"
#include "sched/thread.hh"

namespace plumbline {

void BiasedLock::lock_shared() {
  // The owner's sections that took no lock have ended when it comes here, so it need not wait for
  // the end of a revocation.
  while (this_cpu().index != home_ && state_.load(std::memory_order_acquire) != kShared) {
    unmask_interrupts();
    std::uint8_t expected = kBiased;
    if (state_.compare_exchange_strong(expected, kRevoking, std::memory_order_seq_cst)) {
      address_space::synchronise_cpus();
      // Release: who reads it may rely on the owner's answer.
      state_.store(kShared, std::memory_order_release);
    } else if (expected == kRevoking) {
      // Somebody is at it, perhaps on this CPU.
      yield();
    }
    mask_interrupts();
  }
  lock_.lock_masked();
}

}  // namespace plumbline
