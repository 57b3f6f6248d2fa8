/* Threads by glibc's pthread: creation, joining, locks, conditions, barriers, keys, cancellation,
 * names, affinity. */
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "report.h"

#define THREADS 8
#define ROUNDS 2000

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_barrier_t barrier;
static sem_t semaphore;
static long counter, turns;
static int turn;
static __thread int own = 5;

static void* count(void* argument) {
  for (int i = 0; i < ROUNDS; ++i) {
    pthread_mutex_lock(&mutex);
    ++counter;
    pthread_mutex_unlock(&mutex);
  }
  own += (int)(intptr_t)argument;
  return (void*)(intptr_t)own;
}

static void* take_turns(void* argument) {
  const int me = (int)(intptr_t)argument;
  for (int i = 0; i < 500; ++i) {
    pthread_mutex_lock(&mutex);
    while (turn != me) pthread_cond_wait(&condition, &mutex);
    turn = (me + 1) % THREADS;
    ++turns;
    pthread_cond_broadcast(&condition);
    pthread_mutex_unlock(&mutex);
  }
  return NULL;
}

static void* meet(void* argument) {
  (void)argument;
  long serial = 0;
  for (int i = 0; i < 200; ++i)
    serial += pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD;
  return (void*)serial;
}

static void* read_and_write(void* argument) {
  for (int i = 0; i < 1000; ++i) {
    if ((i + (intptr_t)argument) % 5 == 0) {
      pthread_rwlock_wrlock(&rwlock);
      ++counter;
    } else {
      pthread_rwlock_rdlock(&rwlock);
    }
    pthread_rwlock_unlock(&rwlock);
  }
  return NULL;
}

static void* wait_for_posts(void* argument) {
  (void)argument;
  for (int i = 0; i < 1000; ++i) sem_wait(&semaphore);
  return NULL;
}

static void* nothing(void* argument) { return argument; }

static void cleaned(void* argument) { printf("cleaned up: %s\n", (const char*)argument); }
static void* sleep_long(void* argument) {
  pthread_cleanup_push(cleaned, argument);
  sleep(1000);
  pthread_cleanup_pop(0);
  return NULL;
}

static void destroyed(void* value) { printf("key destroyed: %ld\n", (long)(intptr_t)value); }
static pthread_key_t key;
static void* with_key(void* argument) {
  pthread_setspecific(key, argument);
  return NULL;
}

static pthread_mutex_t* robust;
static void* die_with_lock(void* argument) {
  pthread_mutex_lock(robust);
  return argument;
}

static void* hold_and_wait(void* argument) {
  (void)argument;
  pthread_mutex_lock(&mutex);
  sleep(1);
  pthread_mutex_unlock(&mutex);
  return NULL;
}

static pthread_t start(void* (*function)(void*), long argument) {
  pthread_t thread;
  const int error = pthread_create(&thread, NULL, function, (void*)argument);
  if (error != 0) {
    printf("pthread_create: %s\n", strerror(error));
    exit(99);
  }
  return thread;
}

static long all(void* (*function)(void*)) {
  pthread_t threads[THREADS];
  long sum = 0;
  for (long i = 0; i < THREADS; ++i) threads[i] = start(function, i);
  for (int i = 0; i < THREADS; ++i) {
    void* result;
    pthread_join(threads[i], &result);
    sum += (long)(intptr_t)result;
  }
  return sum;
}

int main(void) {
  report_result("sum of results", all(count));
  report_result("counted", counter);
  report_result("own value of main", own);
  all(take_turns);
  report_result("turns", turns);
  pthread_barrier_init(&barrier, NULL, THREADS);
  report_result("serial threads", all(meet));
  counter = 0;
  all(read_and_write);
  report_result("written", counter);

  sem_init(&semaphore, 0, 0);
  pthread_t waiter = start(wait_for_posts, 0);
  for (int i = 0; i < 1000; ++i) sem_post(&semaphore);
  report_result("join", pthread_join(waiter, NULL));

  for (int i = 0; i < 500; ++i) {
    pthread_t thread = start(nothing, i);
    void* result;
    pthread_join(thread, &result);
    if ((long)(intptr_t)result != i) printf("thread %d returned %ld\n", i, (long)(intptr_t)result);
  }

  pthread_t sleeper = start(sleep_long, (long)"sleeper");
  usleep(20000);
  void* result;
  const int cancelled = pthread_cancel(sleeper);
  pthread_join(sleeper, &result);
  report_result("cancel", cancelled);
  report_flag("canceled", result == PTHREAD_CANCELED);

  pthread_key_create(&key, destroyed);
  pthread_join(start(with_key, 17), NULL);

  /* Time-outs. */
  struct timespec at;
  clock_gettime(CLOCK_REALTIME, &at);
  at.tv_nsec += 30000000;
  at.tv_sec += at.tv_nsec / 1000000000;
  at.tv_nsec %= 1000000000;
  pthread_mutex_lock(&mutex);
  report_flag("timed out", pthread_cond_timedwait(&condition, &mutex, &at) == ETIMEDOUT);
  pthread_mutex_unlock(&mutex);
  pthread_t holder = start(hold_and_wait, 0);
  usleep(100000);
  clock_gettime(CLOCK_MONOTONIC, &at);
  at.tv_nsec += 30000000;
  at.tv_sec += at.tv_nsec / 1000000000;
  at.tv_nsec %= 1000000000;
  report_flag("timed out", pthread_mutex_clocklock(&mutex, CLOCK_MONOTONIC, &at) == ETIMEDOUT);
  report_flag("busy", pthread_mutex_trylock(&mutex) == EBUSY);
  report_result("lock", pthread_mutex_lock(&mutex));
  pthread_mutex_unlock(&mutex);
  pthread_join(holder, NULL);

  /* Robust and priority-inheriting mutexes. */
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  robust = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pthread_mutex_init(robust, &attributes);
  pthread_join(start(die_with_lock, 0), NULL);
  report_flag("owner died", pthread_mutex_lock(robust) == EOWNERDEAD);
  report_result("consistent", pthread_mutex_consistent(robust));
  report_result("unlock", pthread_mutex_unlock(robust));
  pthread_mutexattr_init(&attributes);
  report_result("protocol", pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT));
  pthread_mutex_init(&mutex, &attributes);
  counter = 0;
  report_result("sum of results", all(count));
  report_result("counted", counter);

  /* Names, affinity, scheduling. */
  char name[16];
  report_result("setname", pthread_setname_np(pthread_self(), "conformance"));
  report_result("getname", pthread_getname_np(pthread_self(), name, sizeof name));
  report_text("name", name);
  report_flag("too long", pthread_setname_np(pthread_self(), "much too long a name") == ERANGE);
  cpu_set_t set;
  CPU_ZERO(&set);
  RESULT(sched_setaffinity(0, sizeof set, &set));
  CPU_SET(0, &set);
  RESULT(sched_setaffinity(0, sizeof set, &set));
  CPU_ZERO(&set);
  RESULT(sched_getaffinity(0, sizeof set, &set));
  report_result("CPUs", CPU_COUNT(&set));
  report_result("CPU", sched_getcpu());
  RESULT(sched_getaffinity(999999, sizeof set, &set));
  RESULT(sched_getscheduler(0));
  RESULT(sched_get_priority_max(SCHED_FIFO));
  RESULT(sched_get_priority_min(SCHED_FIFO));
  RESULT(sched_get_priority_max(SCHED_OTHER));
  RESULT(sched_get_priority_max(77));
  RESULT(sched_yield());
  FLAG(syscall(SYS_gettid) == getpid());

  /* Many at once. */
  enum { kMany = 1000 };
  static pthread_t many[kMany];
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, PTHREAD_STACK_MIN + 16384);
  sem_init(&semaphore, 0, 0);
  int created = 0;
  for (; created < kMany; ++created) {
    if (pthread_create(&many[created], &small, wait_for_posts, NULL) != 0) break;
  }
  report_result("created", created);
  for (long i = 0; i < 1000l * kMany; ++i) sem_post(&semaphore);
  for (int i = 0; i < created; ++i) pthread_join(many[i], NULL);
  printf("all joined\n");
  fflush(stdout);

  /* The first thread may end before the others. */
  start(nothing, 0);
  pthread_exit(NULL);
}
