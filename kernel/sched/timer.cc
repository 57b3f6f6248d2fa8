#include "sched/timer.hh"

#include <algorithm>
#include <new>

#include "arch/x86_64/apic.hh"
#include "core/panic.hh"
#include "core/per_cpu.hh"
#include "memory/heap.hh"
#include "sync/lock_guard.hh"
#include "sync/spinlock.hh"

namespace plumbline {

namespace {
constexpr std::uint64_t kNever = ~std::uint64_t{0};
bool earlier(const Timer& a, const Timer& b) { return a.tsc < b.tsc; }
}  // namespace

struct CpuTimers {
  Spinlock lock;
  PairingHeap<Timer, &Timer::hook, earlier> heap;
  std::uint64_t slice_end = kNever;
  // What the hardware is set to; it may fire earlier than anything is due, after a cancel: then it
  // is set again.
  std::uint64_t armed = kNever;

  static CpuTimers& of(unsigned index) { return *static_cast<CpuTimers*>(cpu(index).timers); }

  // On the CPU whose timers these are, masked. Writing the hardware costs 2.3 us on kvm_pvm, so a
  // deadline that is later than what is set already leaves it alone.
  void arm_for(std::uint64_t next) {
    if (next >= armed) return;
    armed = next;
    apic::set_timer(next);
  }

  // With the lock.
  void arm() {
    std::uint64_t next = slice_end;
    if (Timer* first = heap.first(); first != nullptr) next = std::min(next, first->tsc);
    arm_for(next);
  }

  void start(Timer& timer) {
    heap.insert(&timer);
    if (heap.first() == &timer) arm();
  }

  void expire() {
    armed = kNever;
    const std::uint64_t now = tsc_now();
    for (Timer* first = heap.first(); first != nullptr && first->tsc <= now; first = heap.first()) {
      heap.remove(first);
      first->function_(first->argument_);
    }
    if (slice_end <= now) {
      slice_end = kNever;
      this_cpu().need_reschedule = 1;
    }
    arm();
  }
};

void Timer::start(Deadline deadline, void (*function)(void*), void* argument) {
  // What is centuries away does not fit into a TSC value, and will not come either.
  if (deadline.at.count >> 62 != 0) return;
  function_ = function;
  argument_ = argument;
  tsc = monotonic_to_tsc(deadline.at);
  const InterruptGuard masked;
  cpu_ = this_cpu().index;
  CpuTimers& timers = CpuTimers::of(cpu_);
  const LockGuard guard(timers.lock);
  timers.start(*this);
}

void Timer::restart(Deadline deadline) {
  if (deadline.at.count >> 62 != 0) return;
  tsc = monotonic_to_tsc(deadline.at);
  // The lock is held, and expire() looks at the heap and the hardware afterwards.
  CpuTimers::of(cpu_).heap.insert(this);
}

bool Timer::cancel() {
  if (function_ == nullptr) return false;
  CpuTimers& timers = CpuTimers::of(cpu_);
  const LockGuard guard(timers.lock);
  if (!hook.linked) return false;
  timers.heap.remove(this);
  return true;
}

namespace timers {

void initialise_cpu() {
  void* memory = heap_allocate(sizeof(CpuTimers), kCacheLine);
  if (memory == nullptr) panic("no memory for the timers of cpu %u", this_cpu().index);
  this_cpu().timers = new (memory) CpuTimers;
}

void handle_interrupt() {
  CpuTimers& timers = CpuTimers::of(this_cpu().index);
  const LockGuard guard(timers.lock);
  timers.expire();
}

void start_slice(std::uint64_t tsc) {
  // Without the lock: the slice and the hardware belong to this CPU alone, and the caller holds a
  // run queue's lock, which is taken after a timer lock elsewhere.
  CpuTimers& timers = *static_cast<CpuTimers*>(this_cpu().timers);
  timers.slice_end = tsc;
  timers.arm_for(tsc);
}

}  // namespace timers

}  // namespace plumbline
