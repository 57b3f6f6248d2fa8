#include "sync/biased_lock.hh"

#include "memory/address_space.hh"
#include "sched/thread.hh"

namespace plumbline {

void BiasedLock::lock_shared() {
  for (;;) {
    // Masked: the thread is on this CPU until it has the lock or unmasks.
    if (this_cpu().index == home_) {
      lock_at_home();
      return;
    }
    // Sequentially consistent, against lock_at_home(): either this visitor sees the bias, or the
    // home CPU sees the visitor.
    visitors_.fetch_add(1, std::memory_order_seq_cst);
    if (state_.load(std::memory_order_seq_cst) == kShared) {
      lock_.lock_masked();
      quiet_ = 0;
      visitors_.fetch_sub(1, std::memory_order_relaxed);
      return;
    }
    visitors_.fetch_sub(1, std::memory_order_relaxed);
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
}

// The owner's sections that took no lock have ended when it comes here, so it need not wait for the
// end of a revocation.
void BiasedLock::lock_at_home() {
  lock_.lock_masked();
  if (state_.load(std::memory_order_relaxed) != kShared || ++quiet_ < kQuietSections) return;
  quiet_ = 0;
  state_.store(kBiased, std::memory_order_seq_cst);
  if (visitors_.load(std::memory_order_seq_cst) == 0) return;
  // One waits for the spinlock that this section has. Where that fails another revokes the bias.
  std::uint8_t expected = kBiased;
  state_.compare_exchange_strong(expected, kShared, std::memory_order_relaxed);
}

}  // namespace plumbline
