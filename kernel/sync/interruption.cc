#include "core/per_cpu.hh"
#include "sched/thread_state.hh"
#include "sync/interruptible_wait.hh"

namespace plumbline {

bool interruption_pending() {
  return (current()->application.work.load(std::memory_order_acquire) & kWorkSignal) != 0;
}

}  // namespace plumbline
