/* Times of single operations of an operating system, as a program sees them: the same binary runs
 * on Linux and on our kernel. Prints one JSON line for each operation: {"operation":...,
 * "iterations":..., "batches":[ns, ...]}, each batch that many operations. Around each batch stands
 * the marker instruction of the counting plugin (xchg %bx,%bx, which does nothing), so that an
 * emulator can count the instructions of a batch.
 *
 * microbenchmarks OPERATION ITERATIONS BATCHES; with a fourth argument it stays after printing
 * "done", to be asked. */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long iterations;

static void need(int truth, const char* what) {
  if (truth) return;
  perror(what);
  exit(1);
}

static uint64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static inline void marker(void) { __asm__ volatile("xchg %%bx, %%bx" ::: "memory"); }

/* libc's wrapper, so that a patched call instruction in libc is what is measured. */
static void call_getpid(void) {
  /* The loop's own instructions are not the system's. */
#pragma GCC unroll 8
  for (long i = 0; i < iterations; ++i) getpid();
}

static void read_clock(void) {
  struct timespec t;
  for (long i = 0; i < iterations; ++i) clock_gettime(CLOCK_MONOTONIC, &t);
}

/* Two threads that wake each other in turn through one word each. */
static uint32_t words[2][64];
static void futex_wait(uint32_t* word, uint32_t value) {
  syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}
static void pass(int to, uint32_t turn) {
  __atomic_store_n(&words[to][0], turn, __ATOMIC_RELEASE);
  syscall(SYS_futex, &words[to][0], FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}
static void await(int who, uint32_t turn) {
  for (uint32_t seen; (seen = __atomic_load_n(&words[who][0], __ATOMIC_ACQUIRE)) != turn;)
    futex_wait(&words[who][0], seen);
}
static uint32_t turns;
static void* answer_futex(void* count) {
  for (long i = 1; i <= (long)(intptr_t)count; ++i) {
    await(1, (uint32_t)i);
    pass(0, (uint32_t)i);
  }
  return NULL;
}
static void futex_round_trips(void) {
  for (long i = 0; i < iterations; ++i) {
    ++turns;
    pass(1, turns);
    await(0, turns);
  }
}

static int there[2], back[2];
static void* answer_pipe(void* count) {
  char byte;
  for (long i = 0; i < (long)(intptr_t)count; ++i) {
    need(read(there[0], &byte, 1) == 1, "read");
    need(write(back[1], &byte, 1) == 1, "write");
  }
  return NULL;
}
static void pipe_round_trips(void) {
  char byte = 'p';
  for (long i = 0; i < iterations; ++i) {
    need(write(there[1], &byte, 1) == 1, "write");
    need(read(back[0], &byte, 1) == 1, "read");
  }
}

static void* nothing(void* argument) { return argument; }
static void create_and_join(void) {
  for (long i = 0; i < iterations; ++i) {
    pthread_t thread;
    need(pthread_create(&thread, NULL, nothing, NULL) == 0, "pthread_create");
    pthread_join(thread, NULL);
  }
}

static void* yield_too(void* count) {
  for (long i = 0; i < (long)(intptr_t)count; ++i) sched_yield();
  return NULL;
}
static void yields(void) {
  for (long i = 0; i < iterations; ++i) sched_yield();
}

static const struct {
  const char* name;
  void (*run)(void);
  void* (*partner)(void*);
} operations[] = {
    {"getpid", call_getpid, NULL},
    {"clock_gettime", read_clock, NULL},
    {"futex-round-trip", futex_round_trips, answer_futex},
    {"pipe-round-trip", pipe_round_trips, answer_pipe},
    {"thread-create-join", create_and_join, NULL},
    {"yield", yields, yield_too},
};

static int measure(const char* name, long batches) {
  for (size_t i = 0; i < sizeof operations / sizeof *operations; ++i) {
    if (strcmp(operations[i].name, name) != 0) continue;
    turns = 0;
    memset(words, 0, sizeof words);
    need(pipe(there) == 0 && pipe(back) == 0, "pipe");
    pthread_t partner;
    /* One batch more, which warms up. */
    if (operations[i].partner != NULL) {
      need(pthread_create(&partner, NULL, operations[i].partner,
                          (void*)(intptr_t)(iterations * (batches + 1))) == 0,
           "pthread_create");
    }
    operations[i].run();
    uint64_t* times = calloc((size_t)batches, sizeof *times);
    need(times != NULL, "calloc");
    for (long batch = 0; batch < batches; ++batch) {
      const uint64_t begin = now();
      marker();
      operations[i].run();
      marker();
      times[batch] = now() - begin;
    }
    if (operations[i].partner != NULL) pthread_join(partner, NULL);
    printf("{\"operation\":\"%s\",\"iterations\":%ld,\"batches\":[", operations[i].name,
           iterations);
    for (long batch = 0; batch < batches; ++batch)
      printf("%s%lu", batch == 0 ? "" : ",", times[batch]);
    printf("]}\n");
    free(times);
    for (int end = 0; end < 2; ++end)
      need(close(there[end]) == 0 && close(back[end]) == 0, "close");
    return 1;
  }
  fprintf(stderr, "no operation \"%s\"\n", name);
  return 0;
}

int main(int count, char** arguments) {
  const long batches = count > 3 ? atol(arguments[1]) : 0;
  if (batches <= 0) {
    fprintf(stderr, "usage: %s BATCHES OPERATION ITERATIONS [OPERATION ITERATIONS...] [stay]\n",
            arguments[0]);
    return 64;
  }
  int next = 2;
  for (; next + 1 < count; next += 2) {
    iterations = atol(arguments[next + 1]);
    if (iterations <= 0 || !measure(arguments[next], batches)) return 64;
  }
  printf("done\n");
  fflush(stdout);
  if (next < count) pause();
  return 0;
}
