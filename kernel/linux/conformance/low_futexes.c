/* Linked to low addresses (no PIE): two programs stand at the same ones, and a word of the one is
   not the other's. */
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <spawn.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "report.h"

extern char** environ;

static int word, other_word;

static long futex(int* address, int operation, long value, long more, int* second) {
  return syscall(SYS_futex, address, operation | FUTEX_PRIVATE_FLAG, value, more, second, 0);
}

static void* wait_for_word(void* argument) {
  (void)argument;
  return (void*)(intptr_t)futex(&word, FUTEX_WAIT, 0, 0, NULL);
}

/* A thread that surely waits for `word`: it has been moved away from there and back. */
static pthread_t start_waiter(void) {
  pthread_t thread;
  pthread_create(&thread, NULL, wait_for_word, NULL);
  while (futex(&word, FUTEX_CMP_REQUEUE, 0, 1, &other_word) != 1) usleep(1000);
  futex(&other_word, FUTEX_CMP_REQUEUE, 0, 1, &word);
  return thread;
}

static void end_waiter(const char* who, pthread_t thread) {
  void* result;
  printf("%s: woken at the wrong word %ld\n", who,
         futex(&other_word, FUTEX_WAKE, INT_MAX, 0, NULL));
  printf("%s: woken %ld\n", who, futex(&word, FUTEX_WAKE, INT_MAX, 0, NULL));
  pthread_join(thread, &result);
  printf("%s: waited with %ld\n", who, (long)(intptr_t)result);
  fflush(stdout);
}

int main(int count, char** arguments) {
  (void)arguments;
  if (count > 1) {
    printf("child: nobody waits here yet: %ld\n", futex(&word, FUTEX_WAKE, INT_MAX, 0, NULL));
    end_waiter("child", start_waiter());
    return 0;
  }
  printf("low %d\n", (uintptr_t)&word < UINT32_MAX);
  fflush(stdout);
  const pthread_t waiter = start_waiter();
  pid_t pid;
  char* const again[] = {"low_futexes", "child", NULL};
  report_result("posix_spawn", posix_spawn(&pid, "/proc/self/exe", NULL, NULL, again, environ));
  fflush(stdout);
  int status = -1;
  waitpid(pid, &status, 0);
  printf("child ended with %d\n", status);
  end_waiter("parent", waiter);
  /* Many round trips, in which no wake-up may be lost. */
  for (int i = 0; i < 200; ++i) {
    pthread_t thread;
    pthread_create(&thread, NULL, wait_for_word, NULL);
    while (futex(&word, FUTEX_WAKE, 1, 0, NULL) != 1) usleep(10);
    pthread_join(thread, NULL);
  }
  printf("done\n");
  return 0;
}
