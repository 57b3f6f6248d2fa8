/* Faults as signals: numbers, codes, addresses, registers in the frame, alternate stacks, going on
 * afterwards. */
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "report.h"

static sigjmp_buf back;
static volatile sig_atomic_t depth;
static char *stack_begin, *stack_end;

static void say(const char* when, int signal, const siginfo_t* information,
                const ucontext_t* context) {
  const greg_t* registers = context->uc_mcontext.gregs;
  printf("%s: signal %d si_signo %d code %d trap %lld error %lld", when, signal,
         information->si_signo, information->si_code, registers[REG_TRAPNO],
         registers[REG_ERR] & 7);
  if ((signal == SIGSEGV || signal == SIGBUS) && strcmp(when, "stack overflow") != 0)
    printf(" address %#lx", (unsigned long)information->si_addr & 0xfff);
  const char here = 0;
  printf(" on the alternate stack: %s\n", &here >= stack_begin && &here < stack_end ? "yes" : "no");
  fflush(stdout);
}

static const char* current;
static void jump_back(int signal, siginfo_t* information, void* context) {
  say(current, signal, information, context);
  siglongjmp(back, 1);
}

static void handle(int signal, int flags, void (*handler)(int, siginfo_t*, void*)) {
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags};
  NEED(sigaction(signal, &action, NULL) == 0);
}

#define PROVOKE(what, statement)              \
  do {                                        \
    current = what;                           \
    if (sigsetjmp(back, 1) == 0) {            \
      statement;                              \
      printf("%s: nothing happened\n", what); \
    }                                         \
  } while (0)

static volatile char* page;
static void make_writable(int signal, siginfo_t* information, void* context) {
  say("made writable", signal, information, context);
  NEED(mprotect((void*)page, 4096, PROT_READ | PROT_WRITE) == 0);
}

/* Steps over "mov (%rax), %ecx" (2 bytes) with another value. */
static void step_over(int signal, siginfo_t* information, void* context) {
  ucontext_t* frame = context;
  say("stepped over", signal, information, frame);
  frame->uc_mcontext.gregs[REG_RIP] += 2;
  frame->uc_mcontext.gregs[REG_RCX] = 77;
  frame->uc_mcontext.gregs[REG_R15] ^= 0xff;
}

static void clobber_vectors(int signal, siginfo_t* information, void* context) {
  (void)signal, (void)information, (void)context;
  __asm__ volatile("pcmpeqb %%xmm0, %%xmm0\n\tpcmpeqb %%xmm7, %%xmm7\n\tpcmpeqb %%xmm15, %%xmm15" ::
                       : "xmm0", "xmm7", "xmm15");
}

static int recurse(volatile char* above) {
  volatile char frame[2000];
  frame[0] = above[0];
  return above[0] == 2 ? 0 : recurse(frame) + frame[0];
}

static void nested(int signal, siginfo_t* information, void* context) {
  (void)information, (void)context;
  printf("nested %d at depth %d\n", signal, (int)depth);
  if (++depth < 3) raise(depth == 1 ? SIGUSR2 : SIGUSR1);
  --depth;
}

int main(void) {
  volatile int zero = 0, one = 1;
  handle(SIGSEGV, 0, jump_back);
  handle(SIGFPE, 0, jump_back);
  handle(SIGILL, 0, jump_back);
  handle(SIGBUS, 0, jump_back);
  handle(SIGTRAP, 0, jump_back);

  PROVOKE("null read", (void)*(volatile char*)(uintptr_t)(0 + (unsigned)zero));
  PROVOKE("null write", *(volatile char*)(uintptr_t)(8 + (unsigned)zero) = 1);
  PROVOKE("null call", ((void (*)(void))(uintptr_t)(unsigned)zero)());
  PROVOKE("not canonical", (void)*(volatile char*)0x1234567812345678);
  page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  PROVOKE("read only", page[123] = 1);
  PROVOKE("text", *(volatile char*)(uintptr_t)& recurse = 0);
  static volatile int quotient;
  PROVOKE("division by zero", quotient = one / zero);
  PROVOKE("division overflow",
          __asm__ volatile("movl $0x80000000, %%eax; cltd; movl $-1, %%ecx; idivl %%ecx" ::
                               : "eax", "ecx", "edx"));
  PROVOKE("ud2", __asm__ volatile("ud2"));
  PROVOKE("int3", __asm__ volatile("int3"));

  /* A handler repairs what was wrong. */
  handle(SIGSEGV, 0, make_writable);
  page[5] = 'r';
  printf("written: %c\n", page[5]);
  handle(SIGSEGV, 0, step_over);
  long loaded = 0, fifteen = 0x1200;
  __asm__ volatile(
      "mov %2, %%r15\n\t"
      "xor %%eax, %%eax\n\t"
      "mov (%%rax), %%ecx\n\t"
      "mov %%rcx, %0\n\t"
      "mov %%r15, %1"
      : "=r"(loaded), "=r"(fifteen)
      : "r"(fifteen)
      : "rax", "rcx", "r15", "memory");
  printf("the handler's registers: %ld %#lx\n", loaded, fifteen);

  /* Vector registers survive a handler. */
  handle(SIGUSR1, 0, clobber_vectors);
  uint64_t seven[2] = {0x1122334455667788, 0x99aabbccddeeff00}, after[2] = {0, 0};
  const long self = getpid();
  long result = 0;
  __asm__ volatile(
      "movdqu %2, %%xmm7\n\t"
      "mov $62, %%eax\n\t"
      "mov %3, %%rdi\n\t"
      "mov $10, %%esi\n\t"
      "syscall\n\t"
      "mov %%rax, %1\n\t"
      "movdqu %%xmm7, %0"
      : "=m"(after), "=r"(result)
      : "m"(seven), "r"(self)
      : "rax", "rcx", "rdi", "rsi", "r11", "xmm7", "memory");
  printf("vectors after a handler: %ld %d\n", result, memcmp(seven, after, sizeof seven));

  /* Nesting. */
  handle(SIGUSR1, SA_NODEFER, nested);
  handle(SIGUSR2, SA_NODEFER, nested);
  raise(SIGUSR1);

  /* Alternate stacks. */
  static char alternate[64 * 1024];
  stack_begin = alternate;
  stack_end = alternate + sizeof alternate;
  stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate}, old;
  RESULT(sigaltstack(&stack, NULL));
  handle(SIGSEGV, SA_ONSTACK, jump_back);
  PROVOKE("on its own stack", (void)*(volatile char*)(uintptr_t)(16 + (unsigned)zero));
  current = "stack overflow";
  if (sigsetjmp(back, 1) == 0) {
    char start = 1;
    recurse(&start);
  }
  RESULT(sigaltstack(NULL, &old));
  printf("flags %d size %zu\n", old.ss_flags, old.ss_size);
  stack.ss_size = 100;
  RESULT(sigaltstack(&stack, NULL));
  stack.ss_flags = 99;
  RESULT(sigaltstack(&stack, NULL));
  stack.ss_flags = SS_DISABLE;
  RESULT(sigaltstack(&stack, NULL));

  /* A blocked or ignored fault ends the program. */
  fflush(stdout);
  signal(SIGSEGV, SIG_IGN);
  printf("the end\n");
  fflush(stdout);
  *(volatile char*)(uintptr_t)(24 + (unsigned)zero) = 1;
  printf("not reached\n");
  return 0;
}
