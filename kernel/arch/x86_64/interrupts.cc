#include "arch/x86_64/interrupts.hh"

#include <atomic>

#include "arch/x86_64/apic.hh"
#include "arch/x86_64/context.hh"
#include "arch/x86_64/ioapic.hh"
#include "arch/x86_64/mmio.hh"
#include "arch/x86_64/trap_frame.hh"
#include "arch/x86_64/vectors.hh"
#include "core/log.hh"
#include "core/panic.hh"
#include "sync/lock_guard.hh"
#include "sync/spinlock.hh"

namespace plumbline {
namespace {

struct Vector {
  // Written before the device is told the vector, so the entry reads it without a lock.
  InterruptHandler handler;
  void* argument;
};

Vector vectors[256];
Spinlock allocation_lock;

// Level-triggered vectors keep their EOI until the handler has run: with it, the still raised line
// would interrupt again at once. Until then the APIC holds back all vectors of lower priority, and
// what has a higher one is handled, and ended, first; so each EOI ends the right interrupt.
std::atomic<std::uint64_t> level_triggered[4];

bool is_level(unsigned vector) {
  return (level_triggered[vector / 64].load(std::memory_order_relaxed) >> (vector % 64) & 1) != 0;
}

// Runs a vector's handler, masked, with preemption put off.
void run_handler(unsigned vector) {
  PerCpu& cpu = this_cpu();
  ++cpu.preempt_count;
  ++cpu.interrupt_count;
  const Vector& entry = vectors[vector];
  if (entry.handler != nullptr) {
    entry.handler(entry.argument);
  } else if (vector != kSpuriousVector) {
    // A device may have sent it just before its vector was given back.
    log_warning("interrupt on vector %u, which has no handler", vector);
  }
  --cpu.preempt_count;
}

void preempt_if_asked() {
  PerCpu& cpu = this_cpu();
  if (cpu.need_reschedule != 0 && cpu.preempt_count == 0) preempt_current_thread();
}

// Takes the waiting vectors, highest first, until there are none. Masked.
void replay_pending() {
  for (;;) {
    PerCpu& cpu = this_cpu();
    // Cleared before the words are taken: an interrupt in between sets it again, at worst for
    // nothing.
    asm volatile("movb $0, %%gs:1" : : : "memory");
    bool found = false;
    for (int word = 3; word >= 0; --word) {
      // Hardware interrupts are on, so the entry may add a bit at any moment: exchange in one
      // instruction.
      std::uint64_t waiting = __atomic_exchange_n(&cpu.pending_vectors[word], 0, __ATOMIC_RELAXED);
      while (waiting != 0) {
        const unsigned bit = 63 - static_cast<unsigned>(__builtin_clzll(waiting));
        waiting &= ~(std::uint64_t{1} << bit);
        const auto vector = static_cast<unsigned>(word) * 64 + bit;
        run_handler(vector);
        if (is_level(vector)) apic::end_of_interrupt();
        found = true;
      }
    }
    if (!found) return;
  }
}

}  // namespace

extern "C" {

// From entry.S: an interrupt that was not masked. On the interrupted stack, masked, hardware
// interrupts on.
void interrupt_entry(TrapFrame* frame) {
  const auto vector = static_cast<unsigned>(frame->vector);
  const bool level = is_level(vector);
  // Ended before the handler runs: an edge that comes during it must be kept.
  if (!level && vector != kSpuriousVector) apic::end_of_interrupt();
  run_handler(vector);
  if (level) apic::end_of_interrupt();
  preempt_if_asked();
}

// From entry.S: an interrupt came while masked. On the IST stack, hardware interrupts off; not on
// kvm_pvm.
void note_pending_interrupt(std::uint64_t vector) {
  if (vector == kSpuriousVector) return;
  PerCpu& cpu = this_cpu();
  __atomic_fetch_or(&cpu.pending_vectors[vector / 64], std::uint64_t{1} << (vector % 64),
                    __ATOMIC_RELAXED);
  asm volatile("movb $1, %%gs:1" : : : "memory");
  if (!is_level(static_cast<unsigned>(vector))) apic::end_of_interrupt();
}

// Called with the flag set to enabled and something waiting.
void deliver_pending_interrupts() {
  if (this_cpu().masked_by_host != 0) {
    // The host's doorbell: what waits is delivered at this instruction.
    port_out<std::uint8_t>(0x80, 0);
    return;
  }
  for (;;) {
    mask_interrupts();
    replay_pending();
    preempt_if_asked();
    std::uint8_t pending;
    asm volatile(
        "movb $1, %%gs:0\n\t"
        "movb %%gs:1, %0"
        : "=q"(pending)
        :
        : "memory");
    if (pending == 0) return;
  }
}

}  // extern "C"

extern "C" [[gnu::no_caller_saved_registers]] void deliver_keeping_registers() {
  deliver_pending_interrupts();
}

void set_fixed_vector(unsigned vector, InterruptHandler handler, void* argument) {
  vectors[vector] = {handler, argument};
}

unsigned allocate_vector(InterruptHandler handler, void* argument) {
  const LockGuard guard(allocation_lock);
  for (unsigned vector = kFirstDeviceVector; vector <= kLastDeviceVector; ++vector) {
    if (vectors[vector].handler == nullptr) {
      vectors[vector] = {handler, argument};
      return vector;
    }
  }
  panic("all %d interrupt vectors are in use", kLastDeviceVector - kFirstDeviceVector + 1);
}

void free_vector(unsigned vector) {
  const LockGuard guard(allocation_lock);
  vectors[vector] = {};
}

MsiMessage msi_message(unsigned vector, unsigned index) {
  // Fixed delivery, physical destination, edge (SDM volume 3, 11.11).
  return {0xfee00000 | (std::uint64_t{cpu(index).apic_id} << 12), vector};
}

bool ioapic_route(unsigned gsi, unsigned vector, unsigned index, Trigger trigger) {
  const std::uint64_t bit = std::uint64_t{1} << (vector % 64);
  if (trigger == Trigger::kLevel) {
    level_triggered[vector / 64].fetch_or(bit, std::memory_order_relaxed);
  } else {
    level_triggered[vector / 64].fetch_and(~bit, std::memory_order_relaxed);
  }
  return ioapic::route(gsi, vector, cpu(index).apic_id, trigger);
}

void send_interrupt(unsigned index, unsigned vector) {
  apic::send_interrupt(cpu(index).apic_id, static_cast<std::uint8_t>(vector));
}

}  // namespace plumbline
