/* mmap and its relatives: flags, errors, what is where afterwards. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "report.h"

#define PAGE 4096ul

static sigjmp_buf back;
static volatile int fault_signal, fault_code;
static volatile long fault_offset;
static char* volatile fault_base;

static void on_fault(int signal, siginfo_t* information, void* context) {
  (void)context;
  fault_signal = signal;
  fault_code = information->si_code;
  fault_offset = (char*)information->si_addr - fault_base;
  siglongjmp(back, 1);
}

/* Reads or writes a byte and says how that ended. */
static void touch(const char* what, char* base, long offset, int write) {
  fault_base = base;
  if (sigsetjmp(back, 1) == 0) {
    volatile char* at = base + offset;
    if (write) *at = 'w';
    const char byte = *at;
    printf("%s: %s at +%ld gives %d\n", what, write ? "write" : "read", offset, byte);
  } else {
    printf("%s: %s at +%ld: signal %d code %d at +%ld\n", what, write ? "write" : "read", offset,
           fault_signal, fault_code, fault_offset);
  }
  fflush(stdout);
}

static char* map(unsigned long length, int protection, int flags, int file, long offset) {
  char* at = mmap(NULL, length, protection, flags, file, offset);
  NEED(at != MAP_FAILED);
  return at;
}

/* Holes in shared memory, seen through every mapping of it. */
static void holes(void) {
  const long page = 4096;
  const int file = memfd_create("holes", 0);
  NEED(file >= 0 && ftruncate(file, 8 * page) == 0);
  char* one = mmap(NULL, 8 * page, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  char* two = mmap(NULL, 4 * page, PROT_READ, MAP_SHARED, file, 2 * page);
  char* own = mmap(NULL, 8 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
  NEED(one != MAP_FAILED && two != MAP_FAILED && own != MAP_FAILED);
  memset(one, 'x', 8 * page);
  own[2 * page] = 'o';
  RESULT(two[0] == 'x');
  RESULT(madvise(one + page, 3 * page, MADV_REMOVE));
  char text[2];
  printf("%d %d %d %d %d\n", one[0], one[page], one[3 * page], one[4 * page], two[page]);
  RESULT(own[2 * page]);
  NEED(pread(file, text, 2, 4 * page - 1) == 2);
  printf("%d %d\n", text[0], text[1]);
  struct stat s;
  NEED(fstat(file, &s) == 0);
  printf("size %ld blocks %ld\n", (long)s.st_size, (long)s.st_blocks);
  RESULT(madvise(own, page, MADV_REMOVE));
  char* shared = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  NEED(shared != MAP_FAILED);
  shared[0] = shared[page] = 's';
  RESULT(madvise(shared, page, MADV_REMOVE));
  printf("%d %d\n", shared[0], shared[page]);
  RESULT(madvise(shared + 1, page, MADV_REMOVE));
  NEED(munmap(shared + page, page) == 0);
  RESULT(madvise(shared, 2 * page, MADV_REMOVE));
  char* anonymous = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  RESULT(madvise(anonymous, page, MADV_REMOVE));
  char path[32];
  snprintf(path, sizeof path, "/proc/self/fd/%d", file);
  const int reader = open(path, O_RDONLY);
  char* seen = mmap(NULL, page, PROT_READ, MAP_SHARED, reader, 0);
  NEED(seen != MAP_FAILED);
  RESULT(madvise(seen, page, MADV_REMOVE));
  close(file), close(reader);
}

/* RLIMIT_AS: 1 GiB, of which this program uses little. */
static void limited(void) {
  const unsigned long gib = 1ul << 30, mib = 1ul << 20;
  const struct rlimit limit = {gib, RLIM_INFINITY};
  NEED(setrlimit(RLIMIT_AS, &limit) == 0);
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  SUCCESS(mmap(NULL, gib, PROT_NONE, flags, -1, 0));
  char* half = mmap(NULL, gib / 2, PROT_NONE, flags, -1, 0);
  FLAG(half != MAP_FAILED);
  SUCCESS(mmap(NULL, gib / 2, PROT_READ, flags, -1, 0));
  SUCCESS(mmap(half, gib / 2, PROT_READ, flags | MAP_FIXED, -1, 0));
  SUCCESS(mmap(half + gib / 4, gib / 2, PROT_READ, flags | MAP_FIXED_NOREPLACE, -1, 0));
  SUCCESS(mremap(half, gib / 2, gib, MREMAP_MAYMOVE));
  SUCCESS(mremap(half, gib / 2, gib / 4, 0));
  SUCCESS(mremap(half, gib / 4, gib / 4 + 64 * mib, MREMAP_MAYMOVE));
  char* const end = sbrk(0);
  RESULT(brk(end + gib));
  FLAG(sbrk(0) == end);
  RESULT(brk(end + mib));
  RESULT(brk(end));
  const struct rlimit none = {RLIM_INFINITY, RLIM_INFINITY};
  RESULT(setrlimit(RLIMIT_AS, &none));
  SUCCESS(mmap(NULL, gib, PROT_NONE, flags, -1, 0));
}

int main(void) {
  struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
  NEED(sigaction(SIGSEGV, &action, NULL) == 0 && sigaction(SIGBUS, &action, NULL) == 0);
  const int anonymous = MAP_PRIVATE | MAP_ANONYMOUS;

  /* Errors. */
  SUCCESS(mmap(NULL, 0, PROT_READ, anonymous, -1, 0));
  SUCCESS(mmap(NULL, PAGE, PROT_READ, MAP_ANONYMOUS, -1, 0));
  SUCCESS(mmap((void*)123, PAGE, PROT_READ, anonymous | MAP_FIXED, -1, 0));
  SUCCESS(mmap((void*)(1ul << 47), PAGE, PROT_READ, anonymous | MAP_FIXED, -1, 0));
  SUCCESS(mmap(NULL, 1ul << 47, PROT_READ, anonymous, -1, 0));
  SUCCESS(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, -1, 0));
  SUCCESS(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, 0, 1));
  RESULT(munmap(NULL, 0));
  RESULT(munmap((void*)1, PAGE));
  RESULT(munmap((void*)(64ul << 30), PAGE));
  RESULT(mprotect((void*)1, PAGE, PROT_READ));
  RESULT(mprotect((void*)(64ul << 30), PAGE, PROT_READ));
  RESULT(mprotect(NULL, 0, PROT_READ));
  RESULT(msync((void*)(64ul << 30), PAGE, MS_SYNC));
  RESULT(madvise((void*)1, PAGE, MADV_DONTNEED));
  RESULT(madvise((void*)(64ul << 30), PAGE, MADV_DONTNEED));
  SUCCESS(mremap((void*)(64ul << 30), PAGE, 2 * PAGE, MREMAP_MAYMOVE));

  /* Anonymous memory. */
  char* a = map(16 * PAGE, PROT_READ | PROT_WRITE, anonymous, -1, 0);
  touch("fresh", a, 5, 0);
  touch("fresh", a, 5, 1);
  RESULT(mprotect(a + 4 * PAGE, 4 * PAGE, PROT_READ));
  touch("read only", a, 4 * (long)PAGE, 0);
  touch("read only", a, 4 * (long)PAGE, 1);
  touch("beside it", a, 3 * (long)PAGE, 1);
  touch("beside it", a, 8 * (long)PAGE, 1);
  RESULT(mprotect(a + 5 * PAGE, PAGE, PROT_NONE));
  touch("none", a, 5 * (long)PAGE + 7, 0);
  RESULT(mprotect(a + 4 * PAGE, 4 * PAGE, PROT_READ | PROT_WRITE));
  touch("again", a, 5 * (long)PAGE + 7, 1);
  RESULT(munmap(a + 6 * PAGE, PAGE));
  touch("hole", a, 6 * (long)PAGE, 0);
  RESULT(mprotect(a + 5 * PAGE, 3 * PAGE, PROT_READ));
  touch("before the hole, changed", a, 5 * (long)PAGE, 1);
  touch("after the hole, not changed", a, 7 * (long)PAGE, 1);
  RESULT(madvise(a, PAGE, MADV_DONTNEED));
  touch("given back", a, 5, 0);
  RESULT(madvise(a, 16 * PAGE, MADV_DONTNEED));
  RESULT(msync(a, 16 * PAGE, MS_ASYNC));
  RESULT(munmap(a, 16 * PAGE));
  touch("null", NULL, 8, 0);

  /* Placement. */
  char* room = map(64 * PAGE, PROT_NONE, anonymous | MAP_NORESERVE, -1, 0);
  FLAG(mmap(room + 8 * PAGE, PAGE, PROT_READ | PROT_WRITE, anonymous | MAP_FIXED, -1, 0) ==
       room + 8 * PAGE);
  touch("fixed", room, 8 * (long)PAGE, 1);
  touch("around it", room, 7 * (long)PAGE, 0);
  SUCCESS(mmap(room + 8 * PAGE, PAGE, PROT_READ, anonymous | MAP_FIXED_NOREPLACE, -1, 0));
  RESULT(munmap(room + 16 * PAGE, 4 * PAGE));
  FLAG(mmap(room + 17 * PAGE, PAGE, PROT_READ, anonymous, -1, 0) == room + 17 * PAGE);
  FLAG(mmap(room + 8 * PAGE, PAGE, PROT_READ, anonymous, -1, 0) != room + 8 * PAGE);
  FLAG(mmap(room + 18 * PAGE, PAGE, PROT_READ, anonymous | MAP_FIXED_NOREPLACE, -1, 0) ==
       room + 18 * PAGE);
  char* huge = mmap(NULL, 1ul << 40, PROT_NONE, anonymous | MAP_NORESERVE, -1, 0);
  FLAG(huge != MAP_FAILED);
  FLAG(mprotect(huge + (1ul << 39), 4 * PAGE, PROT_READ | PROT_WRITE) == 0);
  touch("within a terabyte", huge + (1ul << 39), 100, 1);
  RESULT(munmap(huge, 1ul << 40));

  /* mremap. */
  char* m = map(4 * PAGE, PROT_READ | PROT_WRITE, anonymous, -1, 0);
  strcpy(m, "first");
  strcpy(m + 3 * PAGE, "last");
  char* n = mremap(m, 4 * PAGE, 600 * PAGE, MREMAP_MAYMOVE);
  NEED(n != MAP_FAILED);
  report_text("moved", n);
  report_text("moved", n + 3 * PAGE);
  touch("grown", n, 599 * (long)PAGE, 1);
  FLAG(mremap(n, 600 * PAGE, 2 * PAGE, 0) == n);
  touch("shrunk", n, 2 * (long)PAGE, 0);
  char* target = map(8 * PAGE, PROT_NONE, anonymous, -1, 0);
  FLAG(mremap(n, 2 * PAGE, 3 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, target) == target);
  report_text("at its new place", target);
  touch("old place", n, 0, 0);
  SUCCESS(mremap(target, PAGE, 0, MREMAP_MAYMOVE));
  SUCCESS(mremap(target + 1, PAGE, PAGE, MREMAP_MAYMOVE));

  /* Large areas, changed in the middle. */
  char* large = map(16ul << 20, PROT_READ | PROT_WRITE, anonymous, -1, 0);
  for (unsigned long i = 0; i < 16ul << 20; i += PAGE) large[i] = (char)(i / PAGE);
  RESULT(mprotect(large + (5ul << 20) + 3 * PAGE, 5 * PAGE, PROT_READ));
  RESULT(munmap(large + (9ul << 20) + 7 * PAGE, PAGE));
  unsigned long wrong = 0;
  for (unsigned long i = 0; i < 16ul << 20; i += PAGE) {
    if (i == (9ul << 20) + 7 * PAGE) continue;
    wrong += large[i] != (char)(i / PAGE);
  }
  report_result("pages with the wrong content", (long)wrong);
  touch("in the large area", large, (5l << 20) + 4 * (long)PAGE, 1);
  touch("in the large area", large, (9l << 20) + 7 * (long)PAGE, 0);
  RESULT(madvise(large, 16ul << 20, MADV_DONTNEED));

  /* Files. */
  char name[] = "memory-XXXXXX";
  const int file = mkstemp(name);
  NEED(file >= 0 && unlink(name) == 0);
  char block[3 * PAGE];
  memset(block, 'f', sizeof block);
  NEED(write(file, block, 2 * PAGE + 100) == (long)(2 * PAGE + 100));
  char* shared = map(4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  char* private = map(4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
  char* second = map(PAGE, PROT_READ, MAP_SHARED, file, PAGE);
  touch("shared", shared, 10, 0);
  touch("shared, the file's end", shared, 2 * (long)PAGE + 99, 0);
  touch("shared, behind the end", shared, 2 * (long)PAGE + 100, 0);
  touch("shared, beyond", shared, 3 * (long)PAGE, 0);
  touch("private, beyond", private, 3 * (long)PAGE, 1);
  shared[PAGE + 1] = 'S';
  printf("seen through the second mapping: %c\n", second[1]);
  private[2] = 'P';
  char byte = 0;
  NEED(pread(file, &byte, 1, 2) == 1);
  printf("a private write in the file: %c\n", byte);
  NEED(pread(file, &byte, 1, PAGE + 1) == 1);
  printf("a shared write in the file: %c\n", byte);
  NEED(pwrite(file, "W", 1, 20) == 1);
  printf("a write to the file, shared: %c private and written: %c\n", shared[20], private[20]);
  NEED(pwrite(file, "X", 1, PAGE + 20) == 1);
  printf("a write to the file, private and not written: %c\n", private[PAGE + 20]);
  RESULT(msync(shared, 4 * PAGE, MS_SYNC));
  RESULT(msync(shared, 4 * PAGE, MS_SYNC | MS_ASYNC));
  RESULT(ftruncate(file, PAGE));
  touch("shared, cut off", shared, (long)PAGE, 0);
  RESULT(ftruncate(file, 4 * PAGE));
  touch("shared, grown again", shared, 3 * (long)PAGE, 0);
  SUCCESS(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, file, 100));
  const int reading = open("/proc/self/exe", O_RDONLY);
  SUCCESS(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, reading, 0));
  SUCCESS(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, reading, 0));
  char* text = map(PAGE, PROT_READ, MAP_SHARED, reading, 0);
  RESULT(mprotect(text, PAGE, PROT_READ | PROT_WRITE));
  const int writing = open(".", O_WRONLY | O_TMPFILE, 0600);
  if (writing >= 0) SUCCESS(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, writing, 0));
  int ends[2];
  NEED(pipe(ends) == 0);
  SUCCESS(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, ends[0], 0));
  const int zero = open("/dev/zero", O_RDWR);
  NEED(zero >= 0);
  char* zeros = map(2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, zero, 0);
  touch("/dev/zero", zeros, 100, 1);

  /* memfd. */
  const int memory = memfd_create("conformance", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  NEED(memory >= 0);
  RESULT(ftruncate(memory, 1l << 43));
  char* one = map(2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 1l << 42);
  char* other = map(2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 1l << 42);
  strcpy(one + 10, "twice");
  report_text("memfd, through the other mapping", other + 10);
  RESULT(fallocate(memory, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 1l << 42, PAGE));
  report_text("punched", one + 10);

  /* Executable memory. */
  unsigned char* code =
      (unsigned char*)map(PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, anonymous, -1, 0);
  memcpy(code, "\xb8\x2a\0\0\0\xc3", 6); /* mov $42, %eax; ret */
  report_result("code", ((int (*)(void))(uintptr_t)code)());
  NEED(mprotect(code, PAGE, PROT_READ | PROT_WRITE) == 0);
  code[1] = 43;
  fault_base = (char*)code;
  if (sigsetjmp(back, 1) == 0) {
    ((int (*)(void))(uintptr_t)code)();
    printf("executed what is not executable\n");
  } else {
    printf("not executable: signal %d code %d at +%ld\n", fault_signal, fault_code, fault_offset);
  }
  NEED(mprotect(code, PAGE, PROT_READ | PROT_EXEC) == 0);
  report_result("code", ((int (*)(void))(uintptr_t)code)());
  touch("code", (char*)code, 0, 1);

  /* The break. */
  char* begin = sbrk(0);
  NEED(sbrk(10 * PAGE) == begin);
  touch("heap", begin, 9 * (long)PAGE, 1);
  NEED(sbrk(-5 * (long)PAGE) != (void*)-1);
  touch("heap, given back", begin, 9 * (long)PAGE, 0);
  FLAG(brk((char*)0x1000) == -1);

  unsigned char resident[4];
  char* pages = map(4 * PAGE, PROT_READ | PROT_WRITE, anonymous, -1, 0);
  pages[2 * PAGE] = 1;
  RESULT(mincore(pages, 4 * PAGE, resident));
  report_result("resident", resident[2] & 1);
  RESULT(mincore(pages + 1, PAGE, resident));
  RESULT(mlock(pages, PAGE));
  RESULT(munlock(pages, PAGE));
  RESULT(mlock((void*)(64ul << 30), PAGE));
  holes();
  limited();
  return 0;
}
