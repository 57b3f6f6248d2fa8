/* Signals from everywhere at once: timers, other threads, queued values; none is lost that must not
 * be, none comes twice. */
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "report.h"

enum { kSenders = 4, kQueued = 500, kKills = 500 };

static pthread_t receiver;
static volatile long alarms, kicks;
static long queued_sum, queued_count;
static volatile int stop;

static void on_alarm(int signal) {
  (void)signal;
  ++alarms;
}
static void on_kick(int signal) {
  (void)signal;
  __atomic_fetch_add(&kicks, 1, __ATOMIC_RELAXED);
}
static void on_queued(int signal, siginfo_t* information, void* context) {
  (void)signal, (void)context;
  queued_sum += information->si_value.sival_int;
  ++queued_count;
}

/* Vector and general registers must survive whatever interrupts them. */
static void* compute(void* argument) {
  (void)argument;
  long wrong = 0;
  for (long round = 0; !stop || round < 10; ++round) {
    double sum = 0;
    for (int i = 1; i <= 20000; ++i) sum += 1.0 / ((double)i * i);
    const long scaled = (long)(sum * 1e9);
    wrong += scaled != 1644884068;
  }
  return (void*)(intptr_t)wrong;
}

static void* queue_values(void* argument) {
  for (int i = 1; i <= kQueued; ++i) {
    const union sigval value = {.sival_int = i};
    while (sigqueue(getpid(), SIGRTMIN + 1, value) != 0) NEED(errno == EAGAIN);
  }
  return argument;
}
static void* kick(void* argument) {
  for (int i = 0; i < kKills; ++i) {
    NEED(pthread_kill(receiver, SIGUSR1) == 0);
    if (i % 10 == 0) usleep(100);
  }
  return argument;
}

int main(void) {
  struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
  NEED(sigaction(SIGALRM, &action, NULL) == 0);
  action.sa_handler = on_kick;
  NEED(sigaction(SIGUSR1, &action, NULL) == 0);
  struct sigaction queued = {.sa_sigaction = on_queued, .sa_flags = SA_SIGINFO | SA_RESTART};
  NEED(sigaction(SIGRTMIN + 1, &queued, NULL) == 0);
  /* Queued values go to the first thread alone, so that the counters need no lock. */
  sigset_t only_main;
  sigemptyset(&only_main);
  sigaddset(&only_main, SIGRTMIN + 1);
  pthread_sigmask(SIG_BLOCK, &only_main, NULL);
  pthread_t senders[kSenders], computer;
  receiver = pthread_self();
  pthread_create(&computer, NULL, compute, NULL);
  for (int i = 0; i < kSenders; ++i)
    pthread_create(&senders[i], NULL, i % 2 == 0 ? queue_values : kick, NULL);
  pthread_sigmask(SIG_UNBLOCK, &only_main, NULL);
  const struct itimerval often = {{0, 2000}, {0, 2000}}, never = {{0, 0}, {0, 0}};
  NEED(setitimer(ITIMER_REAL, &often, NULL) == 0);
  int ends[2];
  NEED(pipe(ends) == 0);
  long bytes = 0;
  for (int i = 0; i < 2000; ++i) {
    char byte = (char)i, back = 0;
    NEED(write(ends[1], &byte, 1) == 1);
    NEED(read(ends[0], &back, 1) == 1);
    bytes += back == byte;
  }
  for (int i = 0; i < kSenders; ++i) pthread_join(senders[i], NULL);
  while (queued_count < 2 * kQueued) usleep(1000);
  NEED(setitimer(ITIMER_REAL, &never, NULL) == 0);
  stop = 1;
  void* wrong = NULL;
  pthread_join(computer, &wrong);
  report_result("bytes through the pipe", bytes);
  report_result("queued signals", queued_count);
  report_result("sum of their values", queued_sum);
  report_flag("alarms came", alarms > 0);
  report_flag("kicks came, at most as often as sent", kicks > 0 && kicks <= 2 * kKills);
  report_result("computations disturbed", (long)(intptr_t)wrong);
  return 0;
}
