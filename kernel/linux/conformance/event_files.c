/* eventfd, timerfd, signalfd. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "report.h"

static int events(int fd, int timeout) {
  struct pollfd p = {fd, POLLIN | POLLOUT, 0};
  NEED(poll(&p, 1, timeout) >= 0);
  return p.revents;
}
static unsigned long value;
static long take(int fd) { return read(fd, &value, sizeof value); }
static long put(int fd, unsigned long number) { return write(fd, &number, sizeof number); }

static void* put_later(void* fd) {
  nanosleep(&(struct timespec){0, 20 * 1000 * 1000}, NULL);
  NEED(put((int)(long)fd, 5) == 8);
  return NULL;
}
static void* take_later(void* fd) {
  nanosleep(&(struct timespec){0, 20 * 1000 * 1000}, NULL);
  NEED(take((int)(long)fd) == 8);
  return NULL;
}

static void show_link(int fd) {
  char path[64], target[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  const long length = readlink(path, target, sizeof target - 1);
  NEED(length > 0);
  target[length] = 0;
  report_text("link", target);
}

static void show_signal(int fd) {
  struct signalfd_siginfo s;
  const long length = read(fd, &s, sizeof s);
  if (length != sizeof s) {
    RESULT(length);
    return;
  }
  printf("signal %u code %d mine %d value %d\n", s.ssi_signo, s.ssi_code,
         s.ssi_pid == (unsigned)getpid(), s.ssi_int);
}

int main(void) {
  pthread_t thread;
  /* eventfd. */
  RESULT(eventfd(0, 4));
  int e = eventfd(3, EFD_NONBLOCK | EFD_CLOEXEC);
  NEED(e >= 0);
  RESULT(fcntl(e, F_GETFD));
  RESULT(fcntl(e, F_GETFL) & (O_ACCMODE | O_NONBLOCK));
  struct stat s;
  NEED(fstat(e, &s) == 0);
  printf("mode %o\n", s.st_mode);
  show_link(e);
  RESULT(events(e, 0));
  RESULT(take(e));
  RESULT(value);
  RESULT(take(e));
  RESULT(read(e, &value, 4));
  RESULT(write(e, &value, 4));
  RESULT(put(e, ~0ul));
  RESULT(put(e, ~0ul - 1));
  RESULT(events(e, 0));
  RESULT(put(e, 1));
  RESULT(put(e, 0));
  char large[16];
  RESULT(read(e, large, sizeof large));
  RESULT(put(e, 2));
  RESULT(read(e, (void*)8, 8));
  RESULT(take(e));
  close(e);
  e = eventfd(2, EFD_SEMAPHORE);
  RESULT(take(e));
  RESULT(value);
  RESULT(take(e));
  NEED(pthread_create(&thread, NULL, put_later, (void*)(long)e) == 0);
  RESULT(take(e));
  RESULT(value);
  pthread_join(thread, NULL);
  RESULT(put(e, ~0ul - 5));
  NEED(pthread_create(&thread, NULL, take_later, (void*)(long)e) == 0);
  RESULT(put(e, 1));
  pthread_join(thread, NULL);
  close(e);

  /* timerfd. */
  RESULT(timerfd_create(CLOCK_PROCESS_CPUTIME_ID, 0));
  RESULT(timerfd_create(CLOCK_MONOTONIC, 3));
  int t = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  NEED(t >= 0);
  show_link(t);
  struct itimerspec spec = {{0, 0}, {0, 1000000000}}, old;
  RESULT(timerfd_settime(t, 0, &spec, NULL));
  spec.it_value.tv_nsec = 5000000;
  RESULT(timerfd_settime(t, 8, &spec, NULL));
  RESULT(timerfd_settime(0, 0, &spec, NULL));
  RESULT(timerfd_settime(99, 0, &spec, NULL));
  RESULT(timerfd_settime(t, 0, NULL, NULL));
  RESULT(timerfd_gettime(t, &old));
  printf("disarmed %ld %ld\n", (long)old.it_value.tv_sec, old.it_value.tv_nsec);
  RESULT(take(t));
  RESULT(timerfd_settime(t, 0, &spec, &old));
  RESULT(timerfd_gettime(t, &old));
  FLAG(old.it_value.tv_sec == 0 && old.it_value.tv_nsec > 0 && old.it_value.tv_nsec <= 5000000);
  RESULT(events(t, 2000));
  RESULT(take(t));
  RESULT(value);
  RESULT(take(t));
  RESULT(timerfd_gettime(t, &old));
  printf("over %ld %ld\n", (long)old.it_value.tv_sec, old.it_value.tv_nsec);
  RESULT(write(t, &value, 8));
  RESULT(read(t, &value, 4));
  close(t);
  t = timerfd_create(CLOCK_REALTIME, 0);
  spec = (struct itimerspec){{0, 2000000}, {0, 2000000}};
  RESULT(timerfd_settime(t, 0, &spec, NULL));
  nanosleep(&(struct timespec){0, 30000000}, NULL);
  RESULT(take(t));
  FLAG(value >= 10);
  RESULT(take(t));
  FLAG(value >= 1);
  RESULT(timerfd_gettime(t, &old));
  FLAG(old.it_interval.tv_nsec == 2000000 && old.it_value.tv_nsec <= 2000000);
  NEED(clock_gettime(CLOCK_REALTIME, &spec.it_value) == 0);
  spec.it_value.tv_sec -= 1;
  spec.it_interval = (struct timespec){0, 0};
  RESULT(timerfd_settime(t, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &spec, &old));
  FLAG(old.it_interval.tv_nsec == 2000000);
  RESULT(take(t));
  RESULT(value);
  spec.it_value.tv_sec += 3600;
  RESULT(timerfd_settime(t, TFD_TIMER_ABSTIME, &spec, NULL));
  RESULT(timerfd_gettime(t, &old));
  FLAG(old.it_value.tv_sec >= 3590 && old.it_value.tv_sec <= 3600);
  spec.it_value = (struct timespec){0, 0};
  RESULT(timerfd_settime(t, 0, &spec, NULL));
  RESULT(events(t, 0));
  close(t);

  /* signalfd. */
  sigset_t mask;
  sigemptyset(&mask), sigaddset(&mask, SIGUSR1), sigaddset(&mask, SIGRTMIN);
  NEED(pthread_sigmask(SIG_BLOCK, &mask, NULL) == 0);
  RESULT(syscall(SYS_signalfd4, -1, &mask, 4, 0));
  RESULT(signalfd(-1, &mask, 5));
  RESULT(signalfd(0, &mask, 0));
  int f = signalfd(-1, &mask, SFD_NONBLOCK);
  NEED(f >= 0);
  show_link(f);
  RESULT(events(f, 0));
  show_signal(f);
  raise(SIGUSR1);
  RESULT(events(f, 0));
  show_signal(f);
  RESULT(kill(getpid(), SIGUSR1));
  RESULT(kill(getpid(), SIGUSR1));
  show_signal(f);
  show_signal(f);
  RESULT(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 41}));
  RESULT(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 42}));
  raise(SIGUSR1);
  struct signalfd_siginfo several[4];
  RESULT(read(f, several, sizeof several) / (long)sizeof *several);
  printf("%u %u %u: %d %d\n", several[0].ssi_signo == SIGUSR1,
         several[1].ssi_signo == (unsigned)SIGRTMIN, several[2].ssi_signo == (unsigned)SIGRTMIN,
         several[1].ssi_int, several[2].ssi_int);
  RESULT(read(f, several, 100));
  sigset_t other;
  sigemptyset(&other), sigaddset(&other, SIGUSR2);
  raise(SIGUSR1);
  RESULT(signalfd(f, &other, 0) == f);
  show_signal(f);
  RESULT(signalfd(f, &mask, 0) == f);
  show_signal(f);
  return 0;
}
