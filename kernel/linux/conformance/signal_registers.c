/* Timers interrupt a program in its own code and in calls, many thousand times a second: no
 * register may change. */
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "report.h"

enum { kTimers = 8, kSeconds = 3 };

static volatile long ticks;
static void tick(int signal) {
  (void)signal;
  ++ticks;
}

/* A while of computing and a getpid with known values in the registers; tells which have changed.
 */
static long check(void) {
  long changed;
  __asm__ volatile(
      "mov $0x1111, %%r12; mov $0x2222, %%r13; mov $0x3333, %%r14; mov $0x4444, %%r15\n"
      "mov $0x5555, %%rbx; mov $0x6666, %%r8; mov $0x7777, %%r9; mov $0x8888, %%r10\n"
      "mov $0x9999, %%rsi; mov $0xaaaa, %%rdi; mov $0xbbbb, %%rdx\n"
      "mov $2000, %%ecx; 1: dec %%ecx; jnz 1b\n"
      "mov $39, %%eax; syscall; xor %%eax, %%eax\n"
      "cmp $0x1111, %%r12; je 2f; or $1, %%eax; 2: cmp $0x2222, %%r13; je 2f; or $2, %%eax\n"
      "2: cmp $0x3333, %%r14; je 2f; or $4, %%eax; 2: cmp $0x4444, %%r15; je 2f; or $8, %%eax\n"
      "2: cmp $0x5555, %%rbx; je 2f; or $16, %%eax; 2: cmp $0x6666, %%r8; je 2f; or $32, %%eax\n"
      "2: cmp $0x7777, %%r9; je 2f; or $64, %%eax; 2: cmp $0x8888, %%r10; je 2f; or $128, %%eax\n"
      "2: cmp $0x9999, %%rsi; je 2f; or $256, %%eax; 2: cmp $0xaaaa, %%rdi; je 2f; or $512, %%eax\n"
      "2: cmp $0xbbbb, %%rdx; je 2f; or $1024, %%eax; 2:"
      : "=a"(changed)
      :
      : "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "rbx", "rcx", "rdx", "rsi", "rdi",
        "memory", "cc");
  return changed;
}

int main(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = tick;
  action.sa_flags = SA_RESTART;
  sigaction(SIGUSR2, &action, NULL);
  struct sigevent event;
  memset(&event, 0, sizeof event);
  event.sigev_signo = SIGUSR2;
  timer_t timers[kTimers];
  for (int i = 0; i < kTimers; ++i) {
    NEED(timer_create(CLOCK_MONOTONIC, &event, &timers[i]) == 0);
    struct itimerspec often = {{0, 100000}, {0, 100000 + 30000 * i}};
    NEED(timer_settime(timers[i], 0, &often, NULL) == 0);
  }
  const time_t end = time(NULL) + kSeconds;
  long changed = 0;
  while (changed == 0 && time(NULL) < end) changed = check();
  RESULT(changed);
  FLAG(ticks > 100);
  return 0;
}
