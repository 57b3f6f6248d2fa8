/* Other programs: posix_spawn, vfork, exec, waiting, exit statuses, descriptors across exec. The
 * program runs itself with a word that says what to do. */
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "report.h"

extern char** environ;
static const char* self;

static pid_t spawn(const char* word, const char* more, posix_spawn_file_actions_t* actions) {
  pid_t child = -1;
  char* const arguments[] = {"processes", (char*)word, (char*)more, NULL};
  char* const environment[] = {"LANG=C", "WORD=from the parent", NULL};
  fflush(stdout);
  const int error = posix_spawn(&child, self, actions, NULL, arguments, environment);
  if (error != 0) {
    printf("posix_spawn: %s\n", strerror(error));
    return -1;
  }
  return child;
}

static void report_status(const char* what, int status) {
  if (WIFEXITED(status)) printf("%s: exited %d\n", what, WEXITSTATUS(status));
  if (WIFSIGNALED(status)) printf("%s: signal %d\n", what, WTERMSIG(status));
  fflush(stdout);
}

static int child(int count, char** arguments) {
  const char* word = arguments[1];
  if (strcmp(word, "hello") == 0) {
    const char* third = strncmp(arguments[2], "./script", 8) == 0 ? "the script" : arguments[2];
    printf("child: %d arguments, %s, %s\n", count, third,
           getenv("WORD") != NULL ? getenv("WORD") : "nothing");
    return 3;
  }
  if (strcmp(word, "abort") == 0) abort();
  if (strcmp(word, "kill") == 0) kill(getpid(), SIGKILL);
  if (strcmp(word, "fault") == 0) *(volatile char*)8 = 1;
  if (strcmp(word, "copy") == 0) {
    char buffer[100];
    for (ssize_t n; (n = read(0, buffer, sizeof buffer)) > 0;) {
      for (ssize_t i = 0; i < n; ++i)
        if (buffer[i] >= 'a' && buffer[i] <= 'z') buffer[i] -= 32;
      if (write(1, buffer, (size_t)n) != n) return 1;
    }
    return 0;
  }
  if (strcmp(word, "descriptor") == 0) {
    const int descriptor = atoi(arguments[2]);
    printf("child: descriptor is %s\n", fcntl(descriptor, F_GETFD) < 0 ? "closed" : "open");
    return 0;
  }
  if (strcmp(word, "signals") == 0) {
    struct sigaction action;
    sigset_t blocked;
    sigaction(SIGUSR1, NULL, &action);
    printf("child: SIGUSR1 is %s\n", action.sa_handler == SIG_DFL   ? "default"
                                     : action.sa_handler == SIG_IGN ? "ignored"
                                                                    : "handled");
    sigaction(SIGUSR2, NULL, &action);
    printf("child: SIGUSR2 is %s\n", action.sa_handler == SIG_IGN ? "ignored" : "not ignored");
    sigprocmask(SIG_BLOCK, NULL, &blocked);
    printf("child: SIGTERM is %s\n", sigismember(&blocked, SIGTERM) ? "blocked" : "not blocked");
    return 0;
  }
  if (strcmp(word, "sleep") == 0) {
    sleep(1000);
    return 0;
  }
  if (strcmp(word, "orphan") == 0) {
    char* const command[] = {"processes", "hello", "orphan", NULL};
    pid_t grandchild;
    return posix_spawn(&grandchild, self, NULL, NULL, command, environ) != 0;
  }
  return 98;
}

static volatile sig_atomic_t children_ended;
static void on_child(int signal) {
  (void)signal;
  ++children_ended;
}
static void ignore(int signal) { (void)signal; }

/* Children that stop and go on. */
static void report_job(const char* what, int status) {
  report_status(what, status);
  if (WIFSTOPPED(status)) printf("%s: stopped %d\n", what, WSTOPSIG(status));
  if (WIFCONTINUED(status)) printf("%s: continued\n", what);
}
static void report_child_signal(const char* what) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  siginfo_t information;
  const struct timespec second = {1, 0};
  if (sigtimedwait(&set, &information, &second) < 0) {
    report_result(what, -1);
    return;
  }
  printf("%s: code %d status %d\n", what, information.si_code, information.si_status);
}
/* The child's parent learns by waiting and by a signal what another signal did to it. */
static void expect_job(const char* what, pid_t child, int signal, int option) {
  int status = 0;
  kill(child, signal);
  FLAG(waitpid(child, &status, option) == child);
  report_job(what, status);
  report_child_signal("SIGCHLD");
}

static void stopping(void) {
  int status = 0;
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  sigprocmask(SIG_BLOCK, &set, NULL);
  /* In a group of its own: one that nobody can continue is not stopped. */
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  char* const arguments[] = {"processes", "sleep", NULL};
  pid_t child;
  NEED(posix_spawn(&child, self, NULL, &attributes, arguments, environ) == 0);
  RESULT(waitpid(child, &status, WNOHANG | WUNTRACED | WCONTINUED));
  kill(child, SIGCONT);
  RESULT(waitpid(child, &status, WNOHANG | WCONTINUED));
  expect_job("stop", child, SIGSTOP, WUNTRACED);
  RESULT(waitpid(child, &status, WNOHANG | WUNTRACED));
  kill(child, SIGSTOP);
  RESULT(waitpid(child, &status, WNOHANG | WUNTRACED));
  expect_job("continue", child, SIGCONT, WCONTINUED);
  RESULT(waitpid(child, &status, WNOHANG | WCONTINUED));
  siginfo_t information;
  for (int round = 0; round < 2; ++round) {
    kill(child, round == 0 ? SIGSTOP : SIGCONT);
    for (int again = 0; again < 2; ++again) {
      memset(&information, 0, sizeof information);
      RESULT(waitid(P_PID, (id_t)child, &information,
                    WSTOPPED | WCONTINUED | (again == 0 ? WNOWAIT : 0)));
      printf("waitid: signal %d code %d status %d\n", information.si_signo, information.si_code,
             information.si_status);
      FLAG(information.si_pid == child);
    }
    report_child_signal("SIGCHLD");
    memset(&information, 0, sizeof information);
    RESULT(waitid(P_PID, (id_t)child, &information, WSTOPPED | WCONTINUED | WNOHANG));
    report_result("si_pid", information.si_pid);
  }
  /* Who does not ask is not told, and what was not asked for in time is gone. */
  kill(child, SIGSTOP);
  report_child_signal("SIGCHLD");
  RESULT(waitpid(child, &status, WNOHANG));
  kill(child, SIGCONT);
  report_child_signal("SIGCHLD");
  RESULT(waitpid(child, &status, WNOHANG | WUNTRACED));
  struct sigaction action = {.sa_handler = SIG_DFL, .sa_flags = SA_NOCLDSTOP};
  sigaction(SIGCHLD, &action, NULL);
  kill(child, SIGTSTP);
  FLAG(waitpid(child, &status, WUNTRACED) == child);
  report_job("quiet", status);
  action.sa_flags = 0;
  sigaction(SIGCHLD, &action, NULL);
  RESULT(sigpending(&set));
  FLAG(sigismember(&set, SIGCHLD));
  kill(child, SIGTERM);
  RESULT(waitpid(child, &status, WNOHANG));
  kill(child, SIGCONT);
  FLAG(waitpid(child, &status, 0) == child);
  report_job("ended", status);
  report_child_signal("SIGCHLD");

  /* By descriptor. */
  const pid_t other = spawn("sleep", NULL, NULL);
  const int descriptor = (int)syscall(SYS_pidfd_open, other, 0);
  NEED(descriptor >= 0);
  memset(&information, 0, sizeof information);
  RESULT(waitid(P_PIDFD, (id_t)descriptor, &information, WEXITED | WNOHANG));
  RESULT(waitid(P_PIDFD, 0, &information, WEXITED));
  RESULT(waitid(P_PIDFD, 99, &information, WEXITED));
  RESULT(waitid(P_PIDFD, (id_t)-1, &information, WEXITED));
  NEED(fcntl(descriptor, F_SETFL, O_NONBLOCK) == 0);
  RESULT(waitid(P_PIDFD, (id_t)descriptor, &information, WEXITED));
  NEED(fcntl(descriptor, F_SETFL, 0) == 0);
  const int own = (int)syscall(SYS_pidfd_open, getpid(), 0);
  RESULT(waitid(P_PIDFD, (id_t)own, &information, WEXITED));
  kill(other, SIGSTOP);
  RESULT(waitid(P_PIDFD, (id_t)descriptor, &information, WSTOPPED));
  printf("by descriptor: code %d status %d\n", information.si_code, information.si_status);
  kill(other, SIGKILL);
  RESULT(waitid(P_PIDFD, (id_t)descriptor, &information, WEXITED));
  printf("by descriptor: code %d status %d\n", information.si_code, information.si_status);
  FLAG(information.si_pid == other);
  RESULT(waitid(P_PIDFD, (id_t)descriptor, &information, WEXITED));
  close(descriptor), close(own);
  const struct timespec none = {0, 0};
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  while (sigtimedwait(&set, NULL, &none) > 0) {
  }
  sigprocmask(SIG_UNBLOCK, &set, NULL);
}

int main(int count, char** arguments) {
  self = "/proc/self/exe";
  if (count > 1) return child(count, arguments);
  static char path[256];
  const ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
  NEED(length > 0);
  self = path;
  int status;
  struct rusage usage;

  RESULT(waitpid(-1, &status, 0));
  NEED(waitpid(spawn("hello", "first", NULL), &status, 0) > 0);
  report_status("hello", status);
  for (int i = 0; i < 3; ++i) {
    const char* words[] = {"abort", "kill", "fault"};
    NEED(wait4(spawn(words[i], NULL, NULL), &status, 0, &usage) > 0);
    report_status(words[i], status);
  }

  /* Pipes to and from a child. */
  int to[2], from[2];
  NEED(pipe2(to, O_CLOEXEC) == 0 && pipe2(from, O_CLOEXEC) == 0);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, to[0], 0);
  posix_spawn_file_actions_adddup2(&actions, from[1], 1);
  const pid_t copier = spawn("copy", NULL, &actions);
  close(to[0]);
  close(from[1]);
  NEED(write(to[1], "through a pipe", 14) == 14);
  close(to[1]);
  char buffer[100] = "";
  NEED(read(from[0], buffer, sizeof buffer) == 14);
  report_text("copied", buffer);
  RESULT(read(from[0], buffer, sizeof buffer));
  NEED(waitpid(copier, &status, 0) == copier);
  report_status("copy", status);

  /* Descriptors across exec. */
  char number[16];
  const int kept = open("/dev/null", O_RDONLY), marked = open("/dev/null", O_RDONLY | O_CLOEXEC);
  snprintf(number, sizeof number, "%d", kept);
  NEED(waitpid(spawn("descriptor", number, NULL), &status, 0) > 0);
  snprintf(number, sizeof number, "%d", marked);
  NEED(waitpid(spawn("descriptor", number, NULL), &status, 0) > 0);
  FLAG(fcntl(marked, F_GETFD) == FD_CLOEXEC);

  /* Signals across exec. */
  signal(SIGUSR1, ignore);
  signal(SIGUSR2, SIG_IGN);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigprocmask(SIG_BLOCK, &set, NULL);
  NEED(waitpid(spawn("signals", NULL, NULL), &status, 0) > 0);
  sigprocmask(SIG_UNBLOCK, &set, NULL);
  signal(SIGUSR2, SIG_DFL);

  /* Errors. */
  pid_t nobody;
  char* const words[] = {"x", NULL};
  printf("%s\n", strerrorname_np(posix_spawn(&nobody, "/nowhere", NULL, NULL, words, environ)));
  printf("%s\n", strerrorname_np(posix_spawn(&nobody, "/tmp", NULL, NULL, words, environ)));
  printf("%s\n",
         strerrorname_np(posix_spawn(&nobody, "/proc/self/exe/x", NULL, NULL, words, environ)));
  char name[] = "./processes-XXXXXX";
  const int file = mkstemp(name);
  NEED(file >= 0 && write(file, "not a program\n", 14) == 14);
  printf("%s\n", strerrorname_np(posix_spawn(&nobody, name, NULL, NULL, words, environ)));
  NEED(fchmod(file, 0700) == 0 && close(file) == 0);
  printf("%s\n", strerrorname_np(posix_spawn(&nobody, name, NULL, NULL, words, environ)));
  unlink(name);

  /* Scripts. */
  char script[] = "./script-XXXXXX";
  const int script_file = mkstemp(script);
  dprintf(script_file, "#!%s hello\n", path);
  NEED(fchmod(script_file, 0700) == 0 && close(script_file) == 0);
  char* const script_words[] = {script, "ignored", NULL};
  fflush(stdout);
  if (posix_spawn(&nobody, script, NULL, NULL, script_words, environ) == 0) {
    waitpid(nobody, &status, 0);
    report_status("script", status);
  }
  unlink(script);

  /* vfork: the child borrows our memory until exec. */
  volatile int shared = 1;
  fflush(stdout);
  const pid_t borrowed = vfork();
  if (borrowed == 0) {
    shared = 2;
    _exit(7);
  }
  NEED(waitpid(borrowed, &status, 0) == borrowed);
  report_status("vfork", status);
  report_result("shared", shared);
  const pid_t execed = vfork();
  if (execed == 0) {
    execl(path, "processes", "hello", "after vfork", NULL);
    _exit(9);
  }
  NEED(waitpid(execed, &status, 0) == execed);
  report_status("vfork and exec", status);
  const pid_t failed = vfork();
  if (failed == 0) {
    execl("/nowhere", "x", NULL);
    _exit(errno == ENOENT ? 11 : 12);
  }
  NEED(waitpid(failed, &status, 0) == failed);
  report_status("vfork and no exec", status);

  /* Waiting. */
  struct sigaction action = {.sa_handler = on_child};
  sigaction(SIGCHLD, &action, NULL);
  const pid_t sleeper = spawn("sleep", NULL, NULL);
  RESULT(waitpid(sleeper, &status, WNOHANG));
  RESULT(kill(sleeper, 0));
  RESULT(kill(sleeper, SIGTERM));
  siginfo_t information;
  while (waitid(P_PID, (id_t)sleeper, &information, WEXITED | WNOWAIT) != 0) NEED(errno == EINTR);
  printf("waitid: code %d status %d\n", information.si_code, information.si_status);
  FLAG(information.si_pid == sleeper);
  RESULT(kill(sleeper, 0));
  FLAG(waitpid(sleeper, &status, 0) == sleeper);
  report_status("sleeper", status);
  RESULT(kill(sleeper, 0));
  RESULT(waitpid(sleeper, &status, 0));
  report_result("children ended", children_ended);
  RESULT(waitpid(-1, &status, 0x4000000));
  signal(SIGCHLD, SIG_IGN);
  const pid_t unwanted = spawn("hello", "unwanted", NULL);
  RESULT(waitpid(unwanted, &status, 0));
  signal(SIGCHLD, SIG_DFL);

  stopping();

  /* Many, at the same time. */
  enum { kMany = 20 };
  pid_t many[kMany];
  posix_spawn_file_actions_t quiet;
  posix_spawn_file_actions_init(&quiet);
  posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0);
  for (int i = 0; i < kMany; ++i) many[i] = spawn("hello", "many", &quiet);
  int ended = 0;
  for (int i = 0; i < kMany; ++i)
    ended += waitpid(many[i], &status, 0) == many[i] && WEXITSTATUS(status) == 3;
  report_result("ended", ended);
  RESULT(system("exit 5") == -1);

  /* This program's place is taken by another. */
  fflush(stdout);
  execl(path, "processes", "hello", "in place", NULL);
  return 1;
}
