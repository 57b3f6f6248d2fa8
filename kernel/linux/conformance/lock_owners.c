/* Locks whose owner the kernel knows: robust mutexes, priority inheritance, and what becomes of
 * them when their owner ends. */
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "report.h"

static pthread_mutex_t mutex;
static long counter;

static void make_mutex(int protocol, int robust) {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setprotocol(&attributes, protocol);
  pthread_mutexattr_setrobust(&attributes, robust);
  pthread_mutex_init(&mutex, &attributes);
}

static atomic_int locked;
static void* lock_and_end(void* argument) {
  pthread_mutex_lock(&mutex);
  locked = 1;
  usleep(20000);
  return argument;
}

static void* count(void* argument) {
  for (int i = 0; i < 2000; ++i) {
    pthread_mutex_lock(&mutex);
    const long seen = counter;
    if (i % 16 == 0) sched_yield();
    counter = seen + 1;
    pthread_mutex_unlock(&mutex);
  }
  return argument;
}

static void count_together(const char* what) {
  pthread_t threads[4];
  counter = 0;
  for (int i = 0; i < 4; ++i) pthread_create(&threads[i], NULL, count, NULL);
  for (int i = 0; i < 4; ++i) pthread_join(threads[i], NULL);
  printf("%s: %ld\n", what, counter);
}

static void lose_owner(const char* what) {
  pthread_t thread;
  locked = 0;
  pthread_create(&thread, NULL, lock_and_end, NULL);
  while (!locked) usleep(100);
  usleep(5000); /* usually waits before the owner ends, at times after */
  printf("%s: %s", what, strerror(pthread_mutex_lock(&mutex)));
  pthread_join(thread, NULL);
  printf(", consistent: %d", pthread_mutex_consistent(&mutex));
  printf(", unlock: %d", pthread_mutex_unlock(&mutex));
  printf(", lock: %d\n", pthread_mutex_lock(&mutex));
  pthread_mutex_unlock(&mutex);
}

static void* try_lock(void* argument) {
  printf("busy: %s\n", strerror(pthread_mutex_trylock(&mutex)));
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_nsec += 10000000;
  if (until.tv_nsec >= 1000000000) {
    until.tv_nsec -= 1000000000;
    ++until.tv_sec;
  }
  printf("until: %s\n", strerror(pthread_mutex_timedlock(&mutex, &until)));
  return argument;
}

static int word;
static long futex(int operation, unsigned value, void* timeout) {
  errno = 0;
  return syscall(SYS_futex, &word, operation, value, timeout, NULL, 0);
}
static void report_futex(const char* what, long result) {
  printf("%s: %ld %s, word %s\n", what, result, strerror(errno),
         word == 0             ? "free"
         : word == gettid()    ? "mine"
         : (word & 0x80000000) ? "waited for"
                               : "another's");
}

int main(void) {
  make_mutex(PTHREAD_PRIO_NONE, PTHREAD_MUTEX_ROBUST);
  count_together("robust");
  lose_owner("robust");
  pthread_mutex_destroy(&mutex);
  make_mutex(PTHREAD_PRIO_INHERIT, PTHREAD_MUTEX_STALLED);
  count_together("inheriting");
  pthread_mutex_lock(&mutex);
  pthread_t thread;
  pthread_create(&thread, NULL, try_lock, NULL);
  pthread_join(thread, NULL);
  pthread_mutex_unlock(&mutex);
  pthread_mutex_destroy(&mutex);
  make_mutex(PTHREAD_PRIO_INHERIT, PTHREAD_MUTEX_ROBUST);
  count_together("both");
  lose_owner("both");

  report_futex("lock", futex(FUTEX_LOCK_PI, 0, NULL));
  report_futex("lock again", futex(FUTEX_LOCK_PI, 0, NULL));
  report_futex("try", futex(FUTEX_TRYLOCK_PI, 0, NULL));
  report_futex("unlock", futex(FUTEX_UNLOCK_PI, 0, NULL));
  report_futex("unlock again", futex(FUTEX_UNLOCK_PI, 0, NULL));
  word = 4194000; /* nobody has this number */
  report_futex("owner gone", futex(FUTEX_LOCK_PI, 0, NULL));
  word = 0;
  report_futex("wait with no bits", syscall(SYS_futex, &word, FUTEX_WAIT_BITSET, 0, NULL, NULL, 0));
  report_futex("wake with no bits", syscall(SYS_futex, &word, FUTEX_WAKE_BITSET, 1, NULL, NULL, 0));
  errno = 0;
  report_futex("misaligned", syscall(SYS_futex, (char*)&word + 1, FUTEX_WAIT, 0, NULL, NULL, 0));
  errno = 0;
  report_futex("null", syscall(SYS_futex, NULL, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
  errno = 0;
  report_futex("null wait", syscall(SYS_futex, NULL, FUTEX_WAIT, 0, NULL, NULL, 0));
  struct timespec wrong = {0, 1000000000};
  report_futex("bad time", futex(FUTEX_WAIT, 0, &wrong));
  struct timespec brief = {0, 1000000};
  report_futex("brief", futex(FUTEX_WAIT, 0, &brief));
  report_futex("other value", futex(FUTEX_WAIT, 1, NULL));
  report_futex("unknown", futex(77, 0, NULL));
  return 0;
}
