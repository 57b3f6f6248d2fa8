/* What is counted, and the arithmetic on it. */
#ifndef PLUMBLINE_COUNTERS_H
#define PLUMBLINE_COUNTERS_H

#include <stdint.h>

/*
 * One vCPU's counters, each vCPU on cache lines of its own. Only the thread that runs the vCPU
 * writes them; the socket's thread reads them while they change, so every access outside generated
 * code is a relaxed atomic (each counter is a single aligned word; a reading of several need not be
 * one instant, because readers compare quiet moments).
 */
struct counters {
  uint64_t user;   /* instructions at lower-half addresses, outside the idle ranges */
  uint64_t kernel; /* instructions at upper-half addresses, outside the idle ranges */
  uint64_t idle;   /* instructions inside the idle ranges */
  uint64_t
      rep_executions; /* executions of rep string instructions, as QEMU makes them: see README.md */
  uint64_t rep_instructions; /* rep string instructions begun */
  uint64_t halts;
  uint64_t markers;
  /* The last execution of a rep instruction: recognises that the next one continues it. Not
   * reported. */
  uint64_t last_rep_address;
  uint64_t last_rep_executed;
} __attribute__((aligned(128)));

static inline uint64_t counter_load(const uint64_t* counter) {
  return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

/* Adds without a locked instruction: there is one writer. */
static inline void counter_add(uint64_t* counter, uint64_t amount) {
  __atomic_store_n(counter, counter_load(counter) + amount, __ATOMIC_RELAXED);
}

/* Every instruction that was executed, markers excepted. */
static inline uint64_t counters_executed(const struct counters* c) {
  return counter_load(&c->user) + counter_load(&c->kernel) + counter_load(&c->idle);
}

#endif
