/* Becomes another program that dies with its parent and keeps to some CPUs.
 *
 *   launcher PARENT CPUS PROGRAM [ARGUMENT]...
 *
 * PARENT is the process id of the caller, CPUS a list such as 0,2, or - for any. One small static
 * program instead of setpriv and taskset: two starts of dynamically linked programs cost 1.8 ms,
 * and this is part of a guest's boot time. */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* As setpriv, env and shells do it. */
enum { kFailed = 1, kUsage = 2, kCannotExecute = 126, kNotFound = 127 };

static void fail(int status, const char* what) {
  fprintf(stderr, "launcher: %s: %s\n", what, strerror(errno));
  exit(status);
}

/* A number that ends at one of `stops` or at the end of the text; moves the text to there. */
static long number(char** text, const char* stops, long most) {
  char* end;
  errno = 0;
  const long value = strtol(*text, &end, 10);
  if (end == *text || strchr(stops, *end) == NULL || value < 0 || value > most) {
    errno = EINVAL;
    fail(kUsage, *text);
  }
  *text = end;
  return value;
}

int main(int count, char** words) {
  if (count < 4) {
    fputs("usage: launcher PARENT CPUS PROGRAM [ARGUMENT]...\n", stderr);
    return kUsage;
  }
  const pid_t parent = (pid_t)number(&words[1], "", 0x7fffffff);
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) fail(kFailed, "prctl");
  /* The signal comes for deaths from now on; a parent that is gone already sends none. */
  if (getppid() != parent) return kFailed;

  if (strcmp(words[2], "-") != 0) {
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    char* list = words[2];
    CPU_SET((size_t)number(&list, ",", CPU_SETSIZE - 1), &cpus);
    while (*list != '\0') {
      ++list;
      CPU_SET((size_t)number(&list, ",", CPU_SETSIZE - 1), &cpus);
    }
    if (sched_setaffinity(0, sizeof cpus, &cpus) != 0) fail(kFailed, "sched_setaffinity");
  }
  execvp(words[3], words + 3);
  fail(errno == ENOENT ? kNotFound : kCannotExecute, words[3]);
}
