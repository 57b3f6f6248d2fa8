/* Signals that find a thread in a system call: the frame shows an address of libc's own code, from
 * which the thread's functions can be found; the end of a thread by pthread_cancel runs what its
 * functions leave behind; and the call goes on as if nothing had been. */
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>
#include <unwind.h>

#include "report.h"

static int ends[2];
static atomic_int state, handled, cleaned, popped;
static int in_libc, found_function, frames_end;

static void wait_for(atomic_int* what, int value) {
  for (int i = 0; i < 5000 && atomic_load(what) != value; ++i) usleep(1000);
}

/* Gives the reader time to sleep in its call; when it does not, the test is weaker, not wrong. */
static void let_it_sleep(void) { usleep(20000); }

static char wait_for_byte(void);

static _Unwind_Reason_Code look_at(struct _Unwind_Context* context, void* unused) {
  (void)unused;
  if (_Unwind_GetRegionStart(context) == (uintptr_t)wait_for_byte) found_function = 1;
  return _URC_NO_REASON;
}

static void on_signal(int signal, siginfo_t* information, void* context) {
  (void)signal, (void)information;
  const ucontext_t* at = context;
  Dl_info object;
  if (dladdr((void*)at->uc_mcontext.gregs[REG_RIP], &object) != 0)
    in_libc = strstr(object.dli_fname, "libc.so.6") != NULL;
  frames_end = _Unwind_Backtrace(look_at, NULL) == _URC_END_OF_STACK;
  atomic_fetch_add(&handled, 1);
}

__attribute__((noinline)) static char wait_for_byte(void) {
  char byte = 0;
  if (read(ends[0], &byte, 1) != 1) byte = '?';
  __asm__ volatile("" ::: "memory"); /* no jump instead of the call */
  return byte;
}

static void* reader(void* unused) {
  (void)unused;
  atomic_store(&state, 1);
  const char byte = wait_for_byte();
  atomic_store(&state, 2);
  return (void*)(intptr_t)byte;
}

static void clean(int* number) { atomic_fetch_add(&cleaned, *number); }
static void pop(void* number) { atomic_fetch_add(&popped, *(int*)number); }

__attribute__((noinline)) static void sleep_for_ever(void) {
  __attribute__((cleanup(clean))) int number = 3;
  atomic_store(&state, 1);
  wait_for_byte();
  __asm__ volatile("" ::"r"(&number) : "memory");
}

static void* cancelled(void* unused) {
  (void)unused;
  int number = 4;
  pthread_cleanup_push(pop, &number);
  sleep_for_ever();
  pthread_cleanup_pop(0);
  return NULL;
}

/* A thread that does nothing but call, interrupted at any of its instructions. */
static atomic_int calling, wrong;
static void* caller(void* unused) {
  (void)unused;
  const pid_t parent = getppid();
  const long thread = syscall(SYS_gettid);
  atomic_store(&calling, 1);
  while (atomic_load(&calling)) {
    if (getppid() != parent || syscall(SYS_gettid) != thread) atomic_fetch_add(&wrong, 1);
  }
  return NULL;
}

int main(void) {
  pthread_t thread;
  void* value;
  report_success("pipe", pipe(ends));
  struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
  report_success("sigaction", sigaction(SIGUSR1, &action, NULL));

  report_result("create", pthread_create(&thread, NULL, reader, NULL));
  wait_for(&state, 1);
  let_it_sleep();
  for (int i = 1; i <= 3; ++i) {
    pthread_kill(thread, SIGUSR1);
    wait_for(&handled, i);
  }
  report_result("handled", handled);
  report_flag("the address is libc's", in_libc);
  report_flag("the function that called is found", found_function);
  report_flag("the last frame is reached", frames_end);
  report_result("write", write(ends[1], "x", 1));
  pthread_join(thread, &value);
  report_result("read", (long)(intptr_t)value);

  state = 0;
  report_result("create", pthread_create(&thread, NULL, cancelled, NULL));
  wait_for(&state, 1);
  let_it_sleep();
  report_result("cancel", pthread_cancel(thread));
  pthread_join(thread, &value);
  report_flag("cancelled", value == PTHREAD_CANCELED);
  report_result("cleaned", cleaned);
  report_result("popped", popped);

  report_result("create", pthread_create(&thread, NULL, caller, NULL));
  wait_for(&calling, 1);
  handled = 0;
  for (int i = 1; i <= 500; ++i) {
    pthread_kill(thread, SIGUSR1);
    wait_for(&handled, i);
  }
  atomic_store(&calling, 0);
  pthread_join(thread, NULL);
  report_result("handled", handled);
  report_result("wrong results", wrong);
  return 0;
}
