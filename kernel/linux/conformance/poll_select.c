/* poll, ppoll, select, pselect6. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "report.h"

static int handled;
static void handler(int signal) { handled = signal; }

static void* write_later(void* fd) {
  nanosleep(&(struct timespec){0, 20 * 1000 * 1000}, NULL);
  NEED(write((int)(long)fd, "x", 1) == 1);
  return NULL;
}
static void* signal_later(void* thread) {
  nanosleep(&(struct timespec){0, 20 * 1000 * 1000}, NULL);
  NEED(pthread_kill(*(pthread_t*)thread, SIGUSR2) == 0);
  return NULL;
}

static void show(const char* when, int result, const struct pollfd* fds, int count) {
  if (result < 0) {
    printf("%s: %s\n", when, strerrorname_np(errno));
    return;
  }
  printf("%s: %d:", when, result);
  for (int i = 0; i < count; ++i) printf(" %x", fds[i].revents & 0xffff);
  printf("\n");
}
#define POLL(when, timeout, ...)                               \
  do {                                                         \
    struct pollfd fds[] = {__VA_ARGS__};                       \
    int count = sizeof fds / sizeof *fds;                      \
    show(when, poll(fds, (nfds_t)count, timeout), fds, count); \
  } while (0)

static void show_sets(const char* when, int result, fd_set* in, fd_set* out, int top) {
  if (result < 0) {
    printf("%s: %s\n", when, strerrorname_np(errno));
    return;
  }
  printf("%s: %d:", when, result);
  for (int fd = 0; fd < top; ++fd) printf("%d", 2 * FD_ISSET(fd, in) + FD_ISSET(fd, out));
  printf("\n");
}

int main(void) {
  int p[2], q[2];
  NEED(dup2(0, 3) >= 0 || 1);
  NEED(pipe(p) == 0 && pipe(q) == 0);
  const int file = open("/", O_RDONLY | O_DIRECTORY);

  POLL("empty", 0, {p[0], POLLIN, 0});
  POLL("writable", 0, {p[1], POLLOUT, 0}, {p[0], POLLIN, 77});
  POLL("not open", -1, {99, POLLIN, 0}, {p[0], POLLIN, 0});
  POLL("left out", 0, {-1, POLLIN, 55}, {p[1], POLLOUT | POLLWRNORM, 0});
  POLL("directory", 0, {file, POLLIN | POLLOUT | POLLRDNORM | POLLPRI, 0});
  POLL("timeout", 5, {p[0], POLLIN, 0}, {q[0], POLLIN, 0});
  RESULT(poll(NULL, 0, 1));
  RESULT(poll((void*)8, 1, 0));
  struct rlimit limit;
  NEED(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  RESULT(poll(NULL, (nfds_t)limit.rlim_cur + 1, 0));
  pthread_t thread, self = pthread_self();
  NEED(pthread_create(&thread, NULL, write_later, (void*)(long)q[1]) == 0);
  POLL("woken", -1, {p[0], POLLIN, 0}, {q[0], POLLIN | POLLRDNORM, 0});
  pthread_join(thread, NULL);
  int r[2];
  NEED(pipe(r) == 0);
  close(r[1]);
  POLL("hung up", -1, {r[0], 0, 0});
  close(r[0]);
  NEED(pipe(r) == 0);
  close(r[0]);
  POLL("no reader", -1, {r[1], 0, 0});
  close(r[1]);
  /* More than fit on any stack. */
  struct pollfd many[300];
  for (int i = 0; i < 300; ++i) many[i] = (struct pollfd){i == 250 ? q[0] : p[0], POLLIN, 0};
  RESULT(poll(many, 300, -1));
  printf("250: %x\n", many[250].revents);

  /* ppoll. */
  struct timespec zero = {0, 0}, little = {0, 3000000}, bad = {0, -1}, hour = {3600, 0};
  struct pollfd one = {p[0], POLLIN, 0};
  RESULT(ppoll(&one, 1, &zero, NULL));
  RESULT(ppoll(&one, 1, &little, NULL));
  RESULT(ppoll(&one, 1, &bad, NULL));
  RESULT(syscall(SYS_ppoll, &one, 1, &little, &one, 4));
  one.fd = q[0];
  RESULT(syscall(SYS_ppoll, &one, 1, &hour, NULL, 8));
  RESULT(hour.tv_sec < 3600 && hour.tv_sec >= 3590);
  little = (struct timespec){0, 3000000};
  one.fd = p[0];
  RESULT(syscall(SYS_ppoll, &one, 1, &little, NULL, 8));
  printf("left %ld\n", (long)little.tv_sec + little.tv_nsec);

  /* select: numbers low enough for one line. */
  const int top = q[1] + 1;
  fd_set in, out;
  static const fd_set none;
#define SETS() (in = none, out = none)
  SETS();
  FD_SET(p[0], &in);
  FD_SET(q[0], &in);
  FD_SET(p[1], &out);
  FD_SET(q[1], &out);
  int result = select(top, &in, &out, NULL, NULL);
  show_sets("select", result, &in, &out, top);
  SETS();
  FD_SET(p[0], &in);
  struct timeval time = {0, 3000};
  result = select(top, &in, &out, NULL, &time);
  show_sets("nothing", result, &in, &out, top);
  printf("left %ld\n", (long)time.tv_sec + time.tv_usec);
  SETS();
  FD_SET(60, &in);
  RESULT(select(61, &in, NULL, NULL, NULL));
  RESULT(select(-1, NULL, NULL, NULL, NULL));
  RESULT(select(0, NULL, NULL, NULL, &(struct timeval){0, 1000}));
  RESULT(select(0, NULL, NULL, NULL, &(struct timeval){0, -1}));
  RESULT(select(10, (void*)8, NULL, NULL, NULL));
  SETS();
  FD_SET(file, &in);
  FD_SET(file, &out);
  result = select(file + 1, &in, &out, NULL, NULL);
  RESULT(result);
  NEED(pthread_create(&thread, NULL, write_later, (void*)(long)p[1]) == 0);
  SETS();
  FD_SET(p[0], &in);
  RESULT(select(top, &in, NULL, NULL, NULL));
  pthread_join(thread, NULL);
  char c;
  NEED(read(p[0], &c, 1) == 1);

  /* Signals: never made again, whatever the handler's flags. */
  struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
  NEED(sigaction(SIGUSR1, &action, NULL) == 0 && sigaction(SIGUSR2, &action, NULL) == 0);
  NEED(pthread_create(&thread, NULL, signal_later, &self) == 0);
  one.fd = p[0];
  RESULT(poll(&one, 1, -1));
  RESULT(handled == SIGUSR2);
  pthread_join(thread, NULL);
  NEED(pthread_create(&thread, NULL, signal_later, &self) == 0);
  SETS();
  FD_SET(p[0], &in);
  RESULT(select(top, &in, NULL, NULL, NULL));
  pthread_join(thread, NULL);
  sigset_t empty, blocked, now;
  sigemptyset(&empty), sigemptyset(&blocked), sigaddset(&blocked, SIGUSR1);
  NEED(sigprocmask(SIG_BLOCK, &blocked, NULL) == 0);
  raise(SIGUSR1);
  handled = 0;
  RESULT(poll(&one, 1, 1));
  RESULT(handled);
  RESULT(ppoll(&one, 1, NULL, &empty));
  RESULT(handled == SIGUSR1);
  NEED(sigprocmask(SIG_BLOCK, NULL, &now) == 0);
  RESULT(sigismember(&now, SIGUSR1));
  raise(SIGUSR1);
  handled = 0;
  SETS();
  FD_SET(p[0], &in);
  RESULT(pselect(top, &in, NULL, NULL, NULL, &empty));
  RESULT(handled == SIGUSR1);
  raise(SIGUSR1);
  handled = 0;
  SETS();
  FD_SET(q[0], &in);
  RESULT(pselect(top, &in, NULL, NULL, &zero, &empty));
  RESULT(handled == SIGUSR1);
  return 0;
}
