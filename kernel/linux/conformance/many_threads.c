/* 4,096 threads at the same time, each with a value of its own, all waiting for each other. */
#include <pthread.h>
#include <stdint.h>

#include "report.h"

enum { kThreads = 4096 };

static pthread_barrier_t barrier;
static __thread long own;
static long sum;

static void* add(void* argument) {
  own = (long)(intptr_t)argument;
  pthread_barrier_wait(&barrier);
  __atomic_fetch_add(&sum, own, __ATOMIC_RELAXED);
  pthread_barrier_wait(&barrier);
  return (void*)(intptr_t)own;
}

int main(void) {
  static pthread_t threads[kThreads];
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  NEED(pthread_attr_setstacksize(&attributes, 32 * 1024) == 0);
  pthread_barrier_init(&barrier, NULL, kThreads + 1);
  for (long i = 0; i < kThreads; ++i) {
    const int error = pthread_create(&threads[i], &attributes, add, (void*)(intptr_t)i);
    if (error != 0) {
      printf("thread %ld: %s\n", i, strerrorname_np(error));
      return 1;
    }
  }
  pthread_barrier_wait(&barrier);
  pthread_barrier_wait(&barrier);
  report_result("sum of all", sum);
  long wrong = 0;
  for (long i = 0; i < kThreads; ++i) {
    void* result = NULL;
    pthread_join(threads[i], &result);
    wrong += (long)(intptr_t)result != i;
  }
  report_result("wrong results", wrong);
  return 0;
}
