/* Clocks, sleeping, interval timers and timers of timer_create. */
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#include "report.h"

static volatile sig_atomic_t count, last_code, last_overrun, last_value;
static void inform(int signal, siginfo_t* information, void* context) {
  (void)signal;
  (void)context;
  ++count;
  last_code = information->si_code;
  last_overrun = information->si_overrun;
  last_value = information->si_value.sival_int;
}

static long long nanoseconds(struct timespec time) {
  return time.tv_sec * 1000000000ll + time.tv_nsec;
}
static long long now(clockid_t clock) {
  struct timespec time;
  NEED(clock_gettime(clock, &time) == 0);
  return nanoseconds(time);
}
/* In the program's own code: ITIMER_VIRTUAL counts nothing else on Linux. */
static void burn(long long span) {
  const long long end = now(CLOCK_PROCESS_CPUTIME_ID) + span;
  while (now(CLOCK_PROCESS_CPUTIME_ID) < end) {
    for (volatile int i = 0; i < 200000; ++i) continue;
  }
}

static void clocks(void) {
  static const clockid_t all[] = {0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 99};
  for (unsigned i = 0; i < sizeof all / sizeof *all; ++i) {
    struct timespec time, direct;
    printf("clock %d\n", (int)all[i]);
    RESULT(clock_gettime(all[i], &time));
    RESULT(syscall(SYS_clock_gettime, all[i], &direct));
    if (i < 8) {
      const long long difference = nanoseconds(direct) - nanoseconds(time);
      FLAG(difference >= 0 && difference < 1000000000);
    }
  }
  struct timespec resolution;
  RESULT(clock_getres(CLOCK_MONOTONIC, &resolution));
  printf("%ld %ld\n", (long)resolution.tv_sec, resolution.tv_nsec);
  RESULT(clock_getres(CLOCK_PROCESS_CPUTIME_ID, &resolution));
  printf("%ld %ld\n", (long)resolution.tv_sec, resolution.tv_nsec);
  RESULT(clock_getres(CLOCK_REALTIME, NULL));
  RESULT(clock_getres(77, &resolution));
  RESULT(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, (void*)8));
  struct timeval day;
  RESULT(gettimeofday(&day, NULL));
  const time_t seconds = time(NULL);
  FLAG(seconds - day.tv_sec >= 0 && seconds - day.tv_sec <= 1);
  FLAG(now(CLOCK_REALTIME) / 1000000000 - seconds <= 1);
  FLAG(seconds > 1600000000);
  long long last = 0;
  int backwards = 0;
  for (int i = 0; i < 10000; ++i) {
    const long long next = now(CLOCK_MONOTONIC);
    backwards += next < last;
    last = next;
  }
  RESULT(backwards);
}

static void* spin(void* argument) {
  clockid_t* clock = argument;
  NEED(pthread_getcpuclockid(pthread_self(), clock) == 0);
  const long long end = now(CLOCK_THREAD_CPUTIME_ID) + 20000000;
  while (now(CLOCK_THREAD_CPUTIME_ID) < end) continue;
  FLAG(now(*clock) >= 20000000);
  return NULL;
}

static void cpu_clocks(void) {
  clockid_t clock, thread_clock;
  RESULT(clock_getcpuclockid(getpid(), &clock));
  struct timespec time;
  RESULT(clock_gettime(clock, &time));
  RESULT(clock_getcpuclockid(0x3ffffff, &clock));
  const long long before = now(CLOCK_PROCESS_CPUTIME_ID);
  pthread_t thread;
  NEED(pthread_create(&thread, NULL, spin, &thread_clock) == 0);
  pthread_join(thread, NULL);
  FLAG(now(CLOCK_PROCESS_CPUTIME_ID) - before >= 20000000);
  FLAG(now(CLOCK_THREAD_CPUTIME_ID) < now(CLOCK_PROCESS_CPUTIME_ID));
  RESULT(clock_gettime(thread_clock, &time));
  struct rusage usage;
  RESULT(getrusage(RUSAGE_SELF, &usage));
  FLAG(usage.ru_utime.tv_sec * 1000000ll + usage.ru_utime.tv_usec +
           usage.ru_stime.tv_sec * 1000000ll + usage.ru_stime.tv_usec >=
       15000);
  FLAG(usage.ru_maxrss > 0);
  RESULT(getrusage(RUSAGE_CHILDREN, &usage));
  RESULT(getrusage(5, &usage));
  struct tms times_now;
  FLAG(times(&times_now) != -1);
}

static void sleeping(void) {
  struct timespec request = {0, 20000000}, rest = {7, 7};
  long long begin = now(CLOCK_MONOTONIC);
  RESULT(nanosleep(&request, &rest));
  FLAG(now(CLOCK_MONOTONIC) - begin >= 20000000);
  printf("%ld %ld\n", (long)rest.tv_sec, rest.tv_nsec);
  clock_gettime(CLOCK_MONOTONIC, &request);
  request.tv_nsec += 20000000;
  if (request.tv_nsec >= 1000000000) {
    request.tv_nsec -= 1000000000;
    ++request.tv_sec;
  }
  begin = now(CLOCK_MONOTONIC);
  RESULT(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &request, NULL));
  FLAG(now(CLOCK_MONOTONIC) >= nanoseconds(request));
  RESULT(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &request, NULL));
  clock_gettime(CLOCK_REALTIME, &request);
  RESULT(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &request, NULL));
  request = (struct timespec){0, 1000000000};
  RESULT(nanosleep(&request, NULL));
  request = (struct timespec){-1, 0};
  RESULT(nanosleep(&request, NULL));
  request = (struct timespec){0, 0};
  RESULT(nanosleep(&request, NULL));
  RESULT(nanosleep((void*)8, NULL));
  RESULT(clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &request, NULL));
  RESULT(clock_nanosleep(50, 0, &request, NULL));
  RESULT(clock_nanosleep(CLOCK_MONOTONIC_COARSE, 0, &request, NULL));
  RESULT(clock_nanosleep(CLOCK_BOOTTIME, 0, &request, NULL));
}

static void interval_timers(void) {
  struct itimerval setting = {{0, 0}, {5, 0}}, old;
  RESULT(setitimer(ITIMER_REAL, &setting, &old));
  printf("%ld %ld\n", (long)old.it_value.tv_sec, (long)old.it_value.tv_usec);
  RESULT(getitimer(ITIMER_REAL, &old));
  FLAG(old.it_value.tv_sec == 4 && old.it_interval.tv_sec == 0);
  RESULT(alarm(0));
  RESULT(getitimer(ITIMER_REAL, &old));
  printf("%ld %ld\n", (long)old.it_value.tv_sec, (long)old.it_value.tv_usec);
  RESULT(alarm(100));
  RESULT(alarm(0));
  setting.it_value.tv_usec = 1000000;
  RESULT(setitimer(ITIMER_REAL, &setting, NULL));
  RESULT(setitimer(9, &old, NULL));
  RESULT(getitimer(-1, &old));
  RESULT(getitimer(ITIMER_REAL, (void*)8));
  struct itimerval often = {{0, 5000}, {0, 5000}};
  count = 0;
  RESULT(setitimer(ITIMER_REAL, &often, NULL));
  while (count < 5) pause();
  RESULT(alarm(0));
  FLAG(last_code == SI_KERNEL);
  for (int which = ITIMER_VIRTUAL; which <= ITIMER_PROF; ++which) {
    count = 0;
    RESULT(setitimer(which, &often, NULL));
    burn(60000000);
    FLAG(count >= 2);
    RESULT(getitimer(which, &old));
    FLAG(old.it_interval.tv_usec == 5000 && old.it_value.tv_usec > 0);
    memset(&setting, 0, sizeof setting);
    RESULT(setitimer(which, &setting, NULL));
    FLAG(last_code == SI_KERNEL);
  }
}

static void posix_timers(void) {
  timer_t timer;
  struct sigevent event;
  memset(&event, 0, sizeof event);
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGRTMIN + 1;
  event.sigev_value.sival_int = 321;
  RESULT(timer_create(CLOCK_MONOTONIC, &event, &timer));
  struct itimerspec setting = {{0, 5000000}, {0, 5000000}}, old;
  count = 0;
  RESULT(timer_settime(timer, 0, &setting, NULL));
  while (count < 3) pause();
  FLAG(last_code == SI_TIMER);
  printf("value %d\n", (int)last_value);
  RESULT(timer_gettime(timer, &old));
  FLAG(old.it_interval.tv_nsec == 5000000 && nanoseconds(old.it_value) > 0);
  FLAG(nanoseconds(old.it_value) <= 5000000);
  /* Overruns while the signal is blocked. */
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGRTMIN + 1);
  sigprocmask(SIG_BLOCK, &set, NULL);
  struct timespec request = {0, 60000000};
  nanosleep(&request, NULL);
  count = 0;
  sigprocmask(SIG_UNBLOCK, &set, NULL);
  FLAG(count >= 1 && count <= 2);
  FLAG(timer_getoverrun(timer) >= 0);
  sigprocmask(SIG_BLOCK, &set, NULL);
  nanosleep(&request, NULL);
  siginfo_t information;
  sigwaitinfo(&set, &information);
  FLAG(information.si_overrun >= 8 && information.si_overrun <= 40);
  FLAG(timer_getoverrun(timer) == information.si_overrun);
  sigprocmask(SIG_UNBLOCK, &set, NULL);
  /* Stopped, with what was left. */
  memset(&setting, 0, sizeof setting);
  RESULT(timer_settime(timer, 0, &setting, &old));
  FLAG(old.it_interval.tv_nsec == 5000000);
  RESULT(timer_gettime(timer, &old));
  printf("%ld %ld\n", (long)old.it_value.tv_sec, old.it_value.tv_nsec);
  /* Once, at a point of time that has passed. */
  count = 0;
  setting.it_value.tv_sec = 1;
  RESULT(timer_settime(timer, TIMER_ABSTIME, &setting, NULL));
  while (count < 1) sched_yield();
  RESULT(timer_gettime(timer, &old));
  printf("%ld %ld\n", (long)old.it_value.tv_sec, old.it_value.tv_nsec);
  setting.it_value.tv_nsec = 1000000000;
  RESULT(timer_settime(timer, 0, &setting, NULL));
  RESULT(timer_delete(timer));
  RESULT(syscall(SYS_timer_delete, 12345));
  RESULT(syscall(SYS_timer_gettime, 12345, &old));
  RESULT(timer_create(99, &event, &timer));
  event.sigev_notify = SIGEV_NONE;
  RESULT(timer_create(CLOCK_REALTIME, &event, &timer));
  setting = (struct itimerspec){{0, 0}, {5, 0}};
  RESULT(timer_settime(timer, 0, &setting, NULL));
  RESULT(timer_gettime(timer, &old));
  FLAG(old.it_value.tv_sec == 4);
  RESULT(timer_delete(timer));
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = 77;
  RESULT(timer_create(CLOCK_REALTIME, &event, &timer));
  event.sigev_signo = SIGRTMIN + 1;
  RESULT(timer_create(CLOCK_PROCESS_CPUTIME_ID, &event, &timer));
  count = 0;
  setting = (struct itimerspec){{0, 0}, {0, 10000000}};
  RESULT(timer_settime(timer, 0, &setting, NULL));
  burn(40000000);
  RESULT(count);
  RESULT(timer_delete(timer));
}

int main(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = inform;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGALRM, &action, NULL);
  sigaction(SIGVTALRM, &action, NULL);
  sigaction(SIGPROF, &action, NULL);
  sigaction(SIGRTMIN + 1, &action, NULL);
  clocks();
  cpu_clocks();
  sleeping();
  interval_timers();
  posix_timers();
  RESULT(clock_settime(CLOCK_MONOTONIC, &(struct timespec){1, 0}));
  return 0;
}
