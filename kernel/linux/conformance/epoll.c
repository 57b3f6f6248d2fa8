/* epoll: errors, triggers, sets in sets, entries and descriptors, waiting with masks. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "report.h"

static int set;

/* "events:data" of what is ready now. */
static void show_most(const char* when, int epoll, int most, int timeout) {
  struct epoll_event events[16];
  int count = epoll_wait(epoll, events, most, timeout);
  printf("%s:", when);
  if (count < 0) printf(" %s", strerrorname_np(errno));
  for (int i = 0; i < count; ++i) printf(" %x:%d", events[i].events, (int)events[i].data.u64);
  printf("\n");
}
static void show(const char* when) { show_most(when, set, 16, 0); }
static int control(int epoll, int operation, int fd, unsigned events, int data) {
  struct epoll_event event = {events, {.u64 = (unsigned long)data}};
  return epoll_ctl(epoll, operation, fd, &event);
}
static void add_to(int counter, unsigned long value) {
  NEED(write(counter, &value, sizeof value) == sizeof value);
}
static void take_from(int counter) {
  unsigned long value;
  NEED(read(counter, &value, sizeof value) == sizeof value);
}

static void* add_later(void* counter) {
  nanosleep(&(struct timespec){0, 20 * 1000 * 1000}, NULL);
  add_to((int)(long)counter, 1);
  return NULL;
}

static int handled;
static void handler(int signal) { handled = signal; }

int main(void) {
  RESULT(epoll_create(0));
  RESULT(epoll_create1(1));
  set = epoll_create1(EPOLL_CLOEXEC);
  NEED(set >= 0);
  RESULT(fcntl(set, F_GETFD));
  int counter = eventfd(0, EFD_NONBLOCK);
  struct epoll_event event;

  /* Errors. */
  RESULT(control(set, EPOLL_CTL_ADD, set, EPOLLIN, 0));
  RESULT(control(counter, EPOLL_CTL_ADD, set, EPOLLIN, 0));
  RESULT(control(set, EPOLL_CTL_ADD, 99, EPOLLIN, 0));
  RESULT(control(99, EPOLL_CTL_ADD, counter, EPOLLIN, 0));
  RESULT(control(set, 17, counter, EPOLLIN, 0));
  RESULT(control(set, EPOLL_CTL_MOD, counter, EPOLLIN, 0));
  RESULT(control(set, EPOLL_CTL_DEL, counter, EPOLLIN, 0));
  RESULT(epoll_ctl(set, EPOLL_CTL_ADD, counter, (void*)8));
  int file = open("/", O_RDONLY | O_DIRECTORY);
  RESULT(control(set, EPOLL_CTL_ADD, file, EPOLLIN, 0));
  close(file);
  file = open("/", O_PATH);
  RESULT(control(set, EPOLL_CTL_ADD, file, EPOLLIN, 0));
  close(file);
  RESULT(epoll_wait(set, &event, 0, 0));
  RESULT(epoll_wait(set, &event, -1, 0));
  RESULT(epoll_wait(counter, &event, 1, 0));
  RESULT(epoll_wait(99, &event, 1, 0));
  RESULT(read(set, &event, sizeof event));

  /* Level. */
  RESULT(control(set, EPOLL_CTL_ADD, counter, EPOLLIN, 1));
  RESULT(control(set, EPOLL_CTL_ADD, counter, EPOLLIN, 1));
  show("nothing yet");
  add_to(counter, 1);
  show("level");
  show("level again");
  RESULT(epoll_wait(set, (void*)8, 1, 0));
  show("after a fault");
  take_from(counter);
  show("taken");
  RESULT(control(set, EPOLL_CTL_MOD, counter, EPOLLIN | EPOLLOUT, 2));
  show("modified");

  /* Edge. */
  RESULT(control(set, EPOLL_CTL_MOD, counter, EPOLLIN | EPOLLET, 3));
  show("edge, nothing");
  add_to(counter, 1);
  show("edge");
  show("edge again");
  add_to(counter, 1);
  show("another event");
  RESULT(control(set, EPOLL_CTL_MOD, counter, EPOLLIN | EPOLLET, 4));
  show("modified with something in it");
  show("once");

  /* One shot. */
  RESULT(control(set, EPOLL_CTL_MOD, counter, EPOLLIN | EPOLLONESHOT, 5));
  show("one shot");
  add_to(counter, 1);
  show("disabled");
  RESULT(control(set, EPOLL_CTL_MOD, counter, EPOLLIN | EPOLLONESHOT, 6));
  show("armed again");

  /* Exclusive. */
  RESULT(control(set, EPOLL_CTL_MOD, counter, EPOLLIN | EPOLLEXCLUSIVE, 7));
  RESULT(control(set, EPOLL_CTL_DEL, counter, 0, 0));
  RESULT(control(set, EPOLL_CTL_ADD, counter, EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT, 7));
  RESULT(control(set, EPOLL_CTL_ADD, counter, EPOLLIN | EPOLLEXCLUSIVE | EPOLLET, 7));
  RESULT(control(set, EPOLL_CTL_MOD, counter, EPOLLIN, 7));
  show("exclusive");
  RESULT(epoll_ctl(set, EPOLL_CTL_DEL, counter, NULL));

  /* Descriptors: an entry is the file under its number, and lives while the file is open. */
  RESULT(control(set, EPOLL_CTL_ADD, counter, EPOLLIN, 8));
  int second = dup(counter);
  RESULT(control(set, EPOLL_CTL_ADD, second, EPOLLIN | EPOLLET, 9));
  close(counter);
  show_most("still open elsewhere", set, 1, 0);
  RESULT(control(set, EPOLL_CTL_DEL, counter, 0, 0));
  close(second);
  show("closed");

  /* Turns. */
  int many[5];
  for (int i = 0; i < 5; ++i) {
    many[i] = eventfd(1, EFD_NONBLOCK);
    NEED(control(set, EPOLL_CTL_ADD, many[i], EPOLLIN, i) == 0);
  }
  show_most("first two", set, 2, 0);
  show_most("next two", set, 2, 0);
  show_most("and on", set, 2, 0);
  show("all");
  for (int i = 0; i < 5; ++i) close(many[i]);
  show("none");

  /* Sets in sets. */
  counter = eventfd(0, EFD_NONBLOCK);
  int outer = epoll_create1(0);
  NEED(control(set, EPOLL_CTL_ADD, counter, EPOLLIN, 10) == 0);
  RESULT(control(outer, EPOLL_CTL_ADD, set, EPOLLIN, 11));
  RESULT(control(outer, EPOLL_CTL_ADD, set, EPOLLIN | EPOLLEXCLUSIVE, 11));
  RESULT(control(set, EPOLL_CTL_ADD, outer, EPOLLIN, 0));
  show_most("outer, nothing", outer, 16, 0);
  add_to(counter, 1);
  show_most("outer", outer, 16, 0);
  show("inner");
  take_from(counter);
  show_most("outer, taken", outer, 16, 0);
  int chain[7];
  for (int i = 0; i < 7; ++i) chain[i] = epoll_create1(0);
  for (int i = 0; i < 6; ++i) RESULT(control(chain[i], EPOLL_CTL_ADD, chain[i + 1], EPOLLIN, 0));

  /* Pipes. */
  int p[2];
  NEED(pipe(p) == 0);
  NEED(control(set, EPOLL_CTL_ADD, p[0], EPOLLIN | EPOLLRDHUP, 12) == 0);
  NEED(control(set, EPOLL_CTL_ADD, p[1], EPOLLOUT | EPOLLET, 13) == 0);
  show("pipe");
  NEED(write(p[1], "x", 1) == 1);
  show("pipe written");
  close(p[1]);
  show("pipe closed");
  close(p[0]);
  NEED(pipe(p) == 0);
  NEED(control(set, EPOLL_CTL_ADD, p[0], EPOLLIN | EPOLLET, 14) == 0);
  NEED(write(p[1], "x", 1) == 1);
  show("edge of a pipe");
  NEED(write(p[1], "x", 1) == 1);
  show("and of its second byte");
  NEED(control(set, EPOLL_CTL_ADD, p[1], 0, 15) == 0);
  close(p[0]);
  show("no reader");

  /* Waiting. */
  pthread_t thread;
  NEED(pthread_create(&thread, NULL, add_later, (void*)(long)counter) == 0);
  close(p[1]);
  show_most("waited", set, 16, -1);
  pthread_join(thread, NULL);
  take_from(counter);
  show_most("timeout", set, 16, 5);
  struct timespec short_time = {0, 2000000}, bad_time = {0, 1000000000};
  RESULT(syscall(SYS_epoll_pwait2, set, &event, 1, &short_time, NULL, 8));
  RESULT(syscall(SYS_epoll_pwait2, set, &event, 1, &bad_time, NULL, 8));

  /* Masks: the signal waits until the call opens the mask, and then goes to its handler. */
  struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
  NEED(sigaction(SIGUSR1, &action, NULL) == 0);
  sigset_t blocked, empty, now;
  sigemptyset(&empty);
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR1);
  NEED(sigprocmask(SIG_BLOCK, &blocked, NULL) == 0);
  raise(SIGUSR1);
  show_most("blocked", set, 16, 1);
  RESULT(handled);
  RESULT(epoll_pwait(set, &event, 1, -1, &empty));
  RESULT(handled == SIGUSR1);
  NEED(sigprocmask(SIG_BLOCK, NULL, &now) == 0);
  RESULT(sigismember(&now, SIGUSR1));
  add_to(counter, 1);
  handled = 0;
  raise(SIGUSR1);
  RESULT(epoll_pwait(set, &event, 1, -1, &empty));
  RESULT(handled == SIGUSR1);
  RESULT(syscall(SYS_epoll_pwait, set, &event, 1, 0, &empty, 4));
  return 0;
}
