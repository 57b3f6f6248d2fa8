/* Floating-point exceptions as signals. Not for QEMU's translator, which raises none for vector
 * instructions. */
#include <fenv.h>
#include <setjmp.h>
#include <signal.h>

#include "report.h"

static sigjmp_buf back;
static const char* current;

static void jump_back(int signal, siginfo_t* information, void* context) {
  (void)context;
  printf("%s: signal %d code %d\n", current, signal, information->si_code);
  fflush(stdout);
  siglongjmp(back, 1);
}

#define PROVOKE(what, statement)              \
  do {                                        \
    current = what;                           \
    if (sigsetjmp(back, 1) == 0) {            \
      statement;                              \
      printf("%s: nothing happened\n", what); \
    }                                         \
  } while (0)

int main(void) {
  struct sigaction action = {.sa_sigaction = jump_back, .sa_flags = SA_SIGINFO};
  NEED(sigaction(SIGFPE, &action, NULL) == 0);
  /* A handler starts with all exceptions masked, and siglongjmp leaves it so: each is enabled anew.
   */
  feenableexcept(FE_DIVBYZERO | FE_INVALID | FE_OVERFLOW);
  volatile double numerator = 1, denominator = 0;
  PROVOKE("float division by zero", numerator = numerator / denominator);
  PROVOKE("not enabled any more", numerator = numerator / denominator);
  feenableexcept(FE_INVALID);
  numerator = 0;
  PROVOKE("float invalid", denominator = numerator / denominator);
  fedisableexcept(FE_ALL_EXCEPT);
  return 0;
}
