/* Signals: actions, masks, waiting, order, real-time queues, threads, timers as their source. */
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "report.h"

static volatile sig_atomic_t order[64];
static volatile sig_atomic_t count;
static volatile sig_atomic_t last_code, last_value, last_own, last_blocked_other;

static void note(int signal) { order[count++] = signal; }

static void inform(int signal, siginfo_t* information, void* context) {
  (void)context;
  order[count++] = signal;
  last_code = information->si_code;
  last_value = information->si_value.sival_int;
  last_own = information->si_pid == getpid() && information->si_uid == getuid();
  sigset_t now;
  sigprocmask(SIG_BLOCK, NULL, &now);
  last_blocked_other = sigismember(&now, SIGUSR2);
}

static void print_order(const char* name) {
  printf("%s:", name);
  for (int i = 0; i < count; ++i) printf(" %d", (int)order[i]);
  printf("\n");
  fflush(stdout);
  count = 0;
}

static void act(int signal, void (*handler)(int), int flags) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = handler;
  action.sa_flags = flags;
  NEED(sigaction(signal, &action, NULL) == 0);
}

static void act_information(int signal, int flags) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = inform;
  action.sa_flags = SA_SIGINFO | flags;
  sigaddset(&action.sa_mask, SIGUSR2);
  NEED(sigaction(signal, &action, NULL) == 0);
}

static void errors(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  RESULT(syscall(SYS_rt_sigaction, 0, NULL, NULL, 8));
  RESULT(syscall(SYS_rt_sigaction, 65, NULL, NULL, 8));
  RESULT(syscall(SYS_rt_sigaction, SIGUSR1, NULL, NULL, 16));
  RESULT(syscall(SYS_rt_sigaction, SIGKILL, &action, NULL, 8));
  RESULT(syscall(SYS_rt_sigaction, SIGKILL, NULL, &action, 8));
  RESULT(syscall(SYS_rt_sigaction, SIGUSR1, (void*)1, NULL, 8));
  RESULT(syscall(SYS_rt_sigprocmask, 7, &action.sa_mask, NULL, 8));
  RESULT(syscall(SYS_rt_sigprocmask, 7, NULL, NULL, 8));
  RESULT(syscall(SYS_rt_sigprocmask, SIG_BLOCK, (void*)1, NULL, 8));
  RESULT(syscall(SYS_rt_sigpending, &action.sa_mask, 16));
  RESULT(syscall(SYS_rt_sigsuspend, &action.sa_mask, 4));
  RESULT(kill(getpid(), 65));
  RESULT(kill(getpid(), -1));
  RESULT(kill(getpid(), 0));
  RESULT(kill(0x3ffffff, 0));
  RESULT(kill(0x3ffffff, SIGTERM));
  RESULT(syscall(SYS_tgkill, 0, 1, 0));
  RESULT(syscall(SYS_tgkill, getpid(), -1, 0));
  RESULT(syscall(SYS_tgkill, getpid() + 1, (int)syscall(SYS_gettid), 0));
  RESULT(syscall(SYS_tgkill, getpid(), (int)syscall(SYS_gettid), 0));
  RESULT(syscall(SYS_tkill, 0, 0));
  RESULT(syscall(SYS_tkill, (int)syscall(SYS_gettid), 65));
  struct timespec wrong = {0, 1000000000};
  RESULT(syscall(SYS_rt_sigtimedwait, &action.sa_mask, NULL, &wrong, 8));
  struct timespec none = {0, 0};
  RESULT(syscall(SYS_rt_sigtimedwait, &action.sa_mask, NULL, &none, 8));
}

static void handlers(void) {
  act(SIGUSR1, note, 0);
  RESULT(raise(SIGUSR1));
  print_order("one");
  act_information(SIGUSR1, 0);
  RESULT(kill(getpid(), SIGUSR1));
  print_order("kill");
  printf("code %d own %d other blocked %d\n", (int)last_code, (int)last_own,
         (int)last_blocked_other);
  union sigval value = {.sival_int = 4711};
  RESULT(sigqueue(getpid(), SIGUSR1, value));
  print_order("queue");
  printf("code %d own %d value %d\n", (int)last_code, (int)last_own, (int)last_value);
  RESULT(syscall(SYS_tgkill, getpid(), (int)syscall(SYS_gettid), SIGUSR1));
  printf("code %d\n", (int)last_code);
  count = 0;
  act(SIGUSR1, note, SA_RESETHAND);
  raise(SIGUSR1);
  struct sigaction now;
  sigaction(SIGUSR1, NULL, &now);
  FLAG(now.sa_handler == SIG_DFL);
  print_order("reset");
}

static void masks(void) {
  sigset_t set, old, pending;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigaddset(&set, SIGUSR2);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGKILL);
  sigaddset(&set, SIGRTMIN + 3);
  sigaddset(&set, SIGRTMIN + 4);
  RESULT(sigprocmask(SIG_BLOCK, &set, &old));
  sigprocmask(SIG_BLOCK, NULL, &old);
  FLAG(sigismember(&old, SIGKILL));
  FLAG(sigismember(&old, SIGTERM));
  act(SIGUSR1, note, 0);
  act(SIGUSR2, note, 0);
  act(SIGTERM, note, 0);
  act(SIGRTMIN + 3, note, 0);
  act_information(SIGRTMIN + 4, 0);
  kill(getpid(), SIGTERM);
  kill(getpid(), SIGUSR2);
  kill(getpid(), SIGUSR1);
  kill(getpid(), SIGUSR1);
  union sigval value = {.sival_int = 1};
  sigqueue(getpid(), SIGRTMIN + 4, value);
  value.sival_int = 2;
  sigqueue(getpid(), SIGRTMIN + 4, value);
  sigqueue(getpid(), SIGRTMIN + 3, value);
  print_order("blocked");
  RESULT(sigpending(&pending));
  FLAG(sigismember(&pending, SIGUSR1));
  FLAG(sigismember(&pending, SIGHUP));
  FLAG(sigismember(&pending, SIGRTMIN + 4));
  siginfo_t information;
  sigset_t wanted;
  sigemptyset(&wanted);
  sigaddset(&wanted, SIGRTMIN + 4);
  FLAG(sigwaitinfo(&wanted, &information) == SIGRTMIN + 4);
  printf("value %d code %d\n", information.si_value.sival_int, information.si_code);
  sigprocmask(SIG_SETMASK, &old, NULL);
  sigprocmask(SIG_UNBLOCK, &set, NULL);
  /* The last delivered is handled first, on top of the others' frames. */
  print_order("unblocked");
  printf("value %d\n", (int)last_value);
}

static void ignoring(void) {
  act(SIGUSR1, SIG_IGN, 0);
  raise(SIGUSR1);
  sigset_t set, pending;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigprocmask(SIG_BLOCK, &set, NULL);
  raise(SIGUSR1);
  sigpending(&pending);
  FLAG(sigismember(&pending, SIGUSR1));
  act(SIGUSR1, note, 0);
  sigprocmask(SIG_UNBLOCK, &set, NULL);
  print_order("blocked while ignored");
  sigprocmask(SIG_BLOCK, &set, NULL);
  raise(SIGUSR1);
  act(SIGUSR1, SIG_IGN, 0);
  sigpending(&pending);
  FLAG(sigismember(&pending, SIGUSR1));
  sigprocmask(SIG_UNBLOCK, &set, NULL);
  act(SIGUSR1, note, 0);
  print_order("flushed");
  raise(SIGCHLD);
  raise(SIGWINCH);
  raise(SIGURG);
  raise(SIGCONT);
}

static void waiting(void) {
  sigset_t none, set;
  sigemptyset(&none);
  sigemptyset(&set);
  sigaddset(&set, SIGALRM);
  act(SIGALRM, note, 0);
  sigprocmask(SIG_BLOCK, &set, NULL);
  struct itimerval soon = {{0, 0}, {0, 20000}};
  RESULT(setitimer(ITIMER_REAL, &soon, NULL));
  RESULT(sigsuspend(&none));
  print_order("suspend");
  sigset_t now;
  sigprocmask(SIG_BLOCK, NULL, &now);
  FLAG(sigismember(&now, SIGALRM));
  struct timespec brief = {0, 10000000};
  RESULT(sigtimedwait(&set, NULL, &brief));
  setitimer(ITIMER_REAL, &soon, NULL);
  siginfo_t information;
  RESULT(sigtimedwait(&set, &information, NULL));
  printf("code %d\n", information.si_code);
  sigprocmask(SIG_UNBLOCK, &set, NULL);
  setitimer(ITIMER_REAL, &soon, NULL);
  RESULT(pause());
  print_order("pause");
  /* Interrupted, with what is left; not made again, whatever the flags. */
  act(SIGALRM, note, SA_RESTART);
  setitimer(ITIMER_REAL, &soon, NULL);
  struct timespec request = {10, 0}, rest = {0, 0};
  RESULT(nanosleep(&request, &rest));
  FLAG(rest.tv_sec == 9 && rest.tv_nsec > 500000000);
  print_order("sleep");
}

static int pipes[2];
static void* write_later(void* argument) {
  (void)argument;
  struct timespec pause_time = {0, 60000000};
  while (nanosleep(&pause_time, &pause_time) != 0) continue;
  NEED(write(pipes[1], "x", 1) == 1);
  return NULL;
}

static void restarting(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGALRM);
  NEED(pipe(pipes) == 0);
  char byte;
  act(SIGALRM, note, 0);
  struct itimerval soon = {{0, 0}, {0, 20000}};
  setitimer(ITIMER_REAL, &soon, NULL);
  RESULT(read(pipes[0], &byte, 1));
  print_order("read");
  act(SIGALRM, note, SA_RESTART);
  pthread_t writer;
  pthread_sigmask(SIG_BLOCK, &set, NULL);
  NEED(pthread_create(&writer, NULL, write_later, NULL) == 0);
  pthread_sigmask(SIG_UNBLOCK, &set, NULL);
  setitimer(ITIMER_REAL, &soon, NULL);
  RESULT(read(pipes[0], &byte, 1));
  print_order("read again");
  pthread_join(writer, NULL);
  close(pipes[0]);
  signal(SIGPIPE, note);
  RESULT(write(pipes[1], "x", 1));
  print_order("pipe");
  close(pipes[1]);
}

static pthread_barrier_t barrier;
static volatile sig_atomic_t handled_by_thread;
static pthread_t other;
static void note_thread(int signal) {
  (void)signal;
  handled_by_thread = pthread_equal(pthread_self(), other);
  ++count;
}
static void* wait_for_signals(void* argument) {
  (void)argument;
  sigset_t set;
  int signal = 0;
  pthread_barrier_wait(&barrier);
  while (count < 1) usleep(1000);
  pthread_barrier_wait(&barrier);
  while (count < 2) usleep(1000);
  pthread_barrier_wait(&barrier);
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &set, NULL);
  pthread_barrier_wait(&barrier);
  sigwait(&set, &signal);
  return (void*)(intptr_t)signal;
}

static void threads(void) {
  act(SIGUSR1, note_thread, SA_RESTART);
  count = 0;
  pthread_barrier_init(&barrier, NULL, 2);
  NEED(pthread_create(&other, NULL, wait_for_signals, NULL) == 0);
  pthread_barrier_wait(&barrier);
  /* To the process: the main thread blocks it, so the other one takes it. */
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigaddset(&set, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &set, NULL);
  kill(getpid(), SIGUSR1);
  pthread_barrier_wait(&barrier);
  FLAG(handled_by_thread);
  handled_by_thread = 0;
  RESULT(pthread_kill(other, SIGUSR1));
  pthread_barrier_wait(&barrier);
  FLAG(handled_by_thread);
  pthread_barrier_wait(&barrier);
  kill(getpid(), SIGTERM);
  void* result;
  pthread_join(other, &result);
  printf("sigwait %d\n", (int)(intptr_t)result);
  count = 0;
  sigset_t pending;
  sigpending(&pending);
  FLAG(sigismember(&pending, SIGTERM));
  pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static char stack[65536];
static volatile sig_atomic_t was_on_stack, told_on_stack;
static void look_at_stack(int signal) {
  (void)signal;
  char here;
  was_on_stack = &here >= stack && &here < stack + sizeof stack;
  stack_t now;
  sigaltstack(NULL, &now);
  told_on_stack = now.ss_flags;
  stack_t off = {.ss_flags = SS_DISABLE};
  errno = 0;
  if (sigaltstack(&off, NULL) == -1 && errno == EPERM) told_on_stack |= 64;
}

static void stacks(void) {
  stack_t now = {0}, wanted = {.ss_sp = stack, .ss_size = sizeof stack};
  RESULT(sigaltstack(NULL, &now));
  printf("flags %d size %zu\n", now.ss_flags, now.ss_size);
  RESULT(sigaltstack(&wanted, NULL));
  wanted.ss_size = 1024;
  RESULT(sigaltstack(&wanted, NULL));
  wanted.ss_flags = 99;
  RESULT(sigaltstack(&wanted, NULL));
  act(SIGUSR2, look_at_stack, 0);
  raise(SIGUSR2);
  printf("on stack %d told %d\n", (int)was_on_stack, (int)told_on_stack);
  act(SIGUSR2, look_at_stack, SA_ONSTACK);
  raise(SIGUSR2);
  printf("on stack %d told %d\n", (int)was_on_stack, (int)told_on_stack);
  sigaltstack(NULL, &now);
  FLAG(now.ss_sp == stack && now.ss_flags == 0 && now.ss_size == sizeof stack);
}

int main(void) {
  errors();
  handlers();
  masks();
  ignoring();
  waiting();
  restarting();
  threads();
  stacks();
  /* The end by a signal. */
  fflush(stdout);
  signal(SIGTERM, SIG_DFL);
  raise(SIGTERM);
  return 1;
}
