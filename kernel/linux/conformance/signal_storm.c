/* Many threads that send each other signals while timers fire and calls are interrupted: nothing
 * may be lost that must arrive, and nothing may arrive twice. */
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "report.h"

enum { kThreads = 8, kRounds = 300, kQueued = 400 };

static pthread_t threads[kThreads];
static pthread_barrier_t barrier;
static atomic_int acknowledged[kThreads];
static _Thread_local int own;

static void acknowledge(int signal) {
  (void)signal;
  const int before = errno;
  atomic_fetch_add(&acknowledged[own], 1);
  errno = before;
}

/* Each signal is awaited before the next, so none may merge with another. */
static void* ping(void* argument) {
  own = (int)(intptr_t)argument;
  pthread_barrier_wait(&barrier);
  const int target = (own + 1) % kThreads;
  double check = own;
  for (int i = 0; i < kRounds; ++i) {
    const int before = atomic_load(&acknowledged[target]);
    if (pthread_kill(threads[target], SIGUSR1) != 0) return (void*)1;
    /* Vector registers must survive handlers. */
    while (atomic_load(&acknowledged[target]) == before) {
      check = check * 1.0000001 + 0.5;
      sched_yield();
    }
    if (check < 0) return (void*)2;
  }
  pthread_barrier_wait(&barrier);
  return NULL;
}

static void pings(void) {
  pthread_barrier_init(&barrier, NULL, kThreads);
  for (intptr_t i = 0; i < kThreads; ++i)
    NEED(pthread_create(&threads[i], NULL, ping, (void*)i) == 0);
  int failed = 0;
  for (int i = 0; i < kThreads; ++i) {
    void* result;
    pthread_join(threads[i], &result);
    failed += result != NULL;
  }
  RESULT(failed);
  int sum = 0;
  for (int i = 0; i < kThreads; ++i) sum += atomic_load(&acknowledged[i]);
  RESULT(sum);
}

/* Real-time signals queue: all values arrive, in order, whoever takes them. */
static atomic_llong values_sum;
static atomic_int values_count;
static void add_value(int signal, siginfo_t* information, void* context) {
  (void)signal;
  (void)context;
  atomic_fetch_add(&values_sum, information->si_value.sival_int);
  atomic_fetch_add(&values_count, 1);
}

static atomic_int stop;
static void* idle_about(void* argument) {
  (void)argument;
  while (!atomic_load(&stop)) {
    struct timespec brief = {0, 200000};
    nanosleep(&brief, NULL);
  }
  return NULL;
}

static void queued(void) {
  for (int i = 0; i < kThreads; ++i) NEED(pthread_create(&threads[i], NULL, idle_about, NULL) == 0);
  for (int i = 1; i <= kQueued; ++i) {
    union sigval value = {.sival_int = i};
    while (sigqueue(getpid(), SIGRTMIN + 2, value) != 0) {
      NEED(errno == EAGAIN);
      sched_yield();
    }
  }
  for (int i = 0; i < 20000 && atomic_load(&values_count) < kQueued; ++i) usleep(500);
  atomic_store(&stop, 1);
  for (int i = 0; i < kThreads; ++i) pthread_join(threads[i], NULL);
  RESULT(atomic_load(&values_count));
  printf("sum %lld\n", (long long)atomic_load(&values_sum));
}

/* Waiting threads take signals that everybody blocks: each goes to one of them. */
static atomic_int taken;
static void* take(void* argument) {
  (void)argument;
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGRTMIN + 3);
  for (;;) {
    siginfo_t information;
    if (sigwaitinfo(&set, &information) != SIGRTMIN + 3) continue;
    if (information.si_value.sival_int < 0) return NULL;
    atomic_fetch_add(&taken, information.si_value.sival_int);
  }
}

static void waited(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGRTMIN + 3);
  pthread_sigmask(SIG_BLOCK, &set, NULL);
  for (int i = 0; i < kThreads; ++i) NEED(pthread_create(&threads[i], NULL, take, NULL) == 0);
  int sum = 0;
  for (int i = 1; i <= kQueued; ++i) {
    union sigval value = {.sival_int = i};
    while (sigqueue(getpid(), SIGRTMIN + 3, value) != 0) sched_yield();
    sum += i;
  }
  union sigval end = {.sival_int = -1};
  for (int i = 0; i < kThreads; ++i) NEED(sigqueue(getpid(), SIGRTMIN + 3, end) == 0);
  for (int i = 0; i < kThreads; ++i) pthread_join(threads[i], NULL);
  FLAG(atomic_load(&taken) == sum);
}

/* An interval timer interrupts calls and computing all the time; nobody notices but who asks. */
static atomic_int ticks;
static void tick(int signal) {
  (void)signal;
  atomic_fetch_add(&ticks, 1);
}

static int pipes[2];
static void* copy(void* argument) {
  (void)argument;
  char buffer[256];
  long sum = 0;
  ssize_t length;
  while ((length = read(pipes[0], buffer, sizeof buffer)) > 0) {
    for (ssize_t i = 0; i < length; ++i) sum += (unsigned char)buffer[i];
  }
  return (void*)(length < 0 ? -1 : sum);
}

static void interrupted(void) {
  struct itimerval often = {{0, 500}, {0, 500}}, off = {{0, 0}, {0, 0}};
  NEED(pipe(pipes) == 0);
  pthread_t reader;
  NEED(pthread_create(&reader, NULL, copy, NULL) == 0);
  NEED(setitimer(ITIMER_REAL, &often, NULL) == 0);
  long sum = 0;
  char block[100];
  /* Until the timer has been there for a while, and so often that both ends have waited. */
  for (int i = 0; i < 3000 || atomic_load(&ticks) < 50; ++i) {
    memset(block, i % 251, sizeof block);
    sum += i % 251 * (long)sizeof block;
    ssize_t done = 0;
    while (done < (ssize_t)sizeof block) {
      const ssize_t length = write(pipes[1], block + done, sizeof block - (size_t)done);
      NEED(length > 0);
      done += length;
    }
    void* memory = malloc(5000);
    memset(memory, i, 5000);
    free(memory);
  }
  close(pipes[1]);
  void* result;
  pthread_join(reader, &result);
  FLAG((long)result == sum);
  /* A semaphore's wait is a futex; it is interrupted (EINTR), and the thing waited for comes. */
  sem_t semaphore;
  sem_init(&semaphore, 0, 0);
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += 20;
  int interruptions = 0;
  while (interruptions < 20 && sem_timedwait(&semaphore, &until) == -1) {
    if (errno != EINTR) break;
    ++interruptions;
  }
  RESULT(interruptions);
  setitimer(ITIMER_REAL, &off, NULL);
}

/* Timers are made, fire and go while their signals are on the way. */
static void timers(void) {
  timer_t all[32];
  struct sigevent event;
  memset(&event, 0, sizeof event);
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGUSR2;
  int failed = 0;
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < 32; ++i) {
      failed += timer_create(CLOCK_MONOTONIC, &event, &all[i]) != 0;
      struct itimerspec soon = {{0, 2000000 * (i % 4)}, {0, 10000 + 7000 * i}};
      failed += timer_settime(all[i], 0, &soon, NULL) != 0;
    }
    for (int i = 0; i < 32; ++i) failed += timer_delete(all[i]) != 0;
  }
  RESULT(failed);
}

int main(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = acknowledge;
  action.sa_flags = SA_RESTART;
  sigaction(SIGUSR1, &action, NULL);
  action.sa_handler = tick;
  sigaction(SIGALRM, &action, NULL);
  sigaction(SIGUSR2, &action, NULL);
  action.sa_flags = SA_SIGINFO | SA_RESTART;
  action.sa_sigaction = add_value;
  sigaction(SIGRTMIN + 2, &action, NULL);
  pings();
  queued();
  waited();
  interrupted();
  timers();
  return 0;
}
