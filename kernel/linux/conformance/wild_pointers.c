/* Every call with pointers gets bad ones: null, unmapped, in the kernel's half, not canonical, read
 * only. */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "report.h"

static char* read_only;  /* one page, readable */
static char* beyond;     /* the first byte after a mapped page: not mapped */
static char* ends_there; /* 3 bytes before `beyond` */

static struct {
  const char* name;
  unsigned long value;
} wild[6];

static int skip_null;

static void try_call(const char* name, long number, int arguments, const unsigned long* good,
                     int bad, int writes) {
  for (unsigned i = 0; i < sizeof wild / sizeof *wild; ++i) {
    if (!writes && strcmp(wild[i].name, "read-only") == 0) continue;
    if (skip_null && wild[i].value == 0) continue;
    unsigned long a[6] = {0};
    memcpy(a, good, sizeof *a * (unsigned)arguments);
    a[bad] = wild[i].value;
    errno = 0;
    const long result = syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    char line[200];
    snprintf(line, sizeof line, "%s(argument %d %s)", name, bad + 1, wild[i].name);
    if (result >= 0) {
      printf("%s = success\n", line);
    } else {
      report_result(line, result);
    }
  }
}

#define CALL(name, bad, writes, ...)                                                              \
  do {                                                                                            \
    const unsigned long good[] = {__VA_ARGS__, 0, 0, 0, 0, 0};                                    \
    try_call(#name, SYS_##name,                                                                   \
             6 < (int)(sizeof good / sizeof *good) ? 6 : (int)(sizeof good / sizeof *good), good, \
             bad, writes);                                                                        \
  } while (0)
/* Where null means to wait for ever. */
#define CALL_NOT_NULL(...) \
  do {                     \
    skip_null = 1;         \
    CALL(__VA_ARGS__);     \
    skip_null = 0;         \
  } while (0)
#define P(pointer) ((unsigned long)(pointer))

int main(void) {
  char* pages = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  NEED(pages != MAP_FAILED);
  NEED(munmap(pages + 8192, 4096) == 0);
  NEED(mprotect(pages, 4096, PROT_READ) == 0);
  read_only = pages;
  beyond = pages + 8192;
  ends_there = beyond - 3;
  wild[0].name = "null";
  wild[0].value = 0;
  wild[1].name = "low";
  wild[1].value = 0x18;
  wild[2].name = "unmapped";
  wild[2].value = P(beyond);
  wild[3].name = "kernel's half";
  wild[3].value = 0xffffffff80100000;
  wild[4].name = "not canonical";
  wild[4].value = 0x1234567812345678;
  wild[5].name = "read-only";
  wild[5].value = P(read_only);

  char folder[] = "wild-XXXXXX";
  NEED(mkdtemp(folder) != NULL && chdir(folder) == 0);
  const int file = open("file", O_RDWR | O_CREAT, 0600);
  NEED(file >= 0 && write(file, "hello", 5) == 5);
  int ends[2], both[2];
  NEED(pipe(ends) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, both) == 0);
  const int folder_file = open(".", O_RDONLY | O_DIRECTORY);
  const int polled = epoll_create1(0);
  struct epoll_event readiness = {.events = EPOLLIN};
  NEED(polled >= 0 && epoll_ctl(polled, EPOLL_CTL_ADD, ends[0], &readiness) == 0);
  struct timeval no_time = {0, 0};
  char buffer[4096];
  const unsigned long length = sizeof buffer;

  CALL(pread64, 1, 1, (unsigned long)file, P(buffer), 5, 0);
  CALL(pwrite64, 1, 0, (unsigned long)file, P(buffer), 5, 0);
  CALL(write, 1, 0, (unsigned long)ends[1], P(buffer), 5);
  NEED(write(ends[1], "pipe!", 5) == 5);
  CALL(read, 1, 1, (unsigned long)ends[0], P(buffer), 5);
  CALL(readv, 1, 0, (unsigned long)file, P(buffer), 2);
  CALL(writev, 1, 0, (unsigned long)file, P(buffer), 2);
  CALL(open, 0, 0, P("file"), O_RDONLY);
  CALL(openat, 1, 0, (unsigned long)AT_FDCWD, P("file"), O_RDONLY);
  CALL(stat, 0, 0, P("file"), P(buffer));
  CALL(stat, 1, 1, P("file"), P(buffer));
  CALL(fstat, 1, 1, (unsigned long)file, P(buffer));
  CALL(newfstatat, 1, 0, (unsigned long)AT_FDCWD, P("file"), P(buffer), 0);
  CALL(newfstatat, 2, 1, (unsigned long)AT_FDCWD, P("file"), P(buffer), 0);
  CALL(statx, 4, 1, (unsigned long)AT_FDCWD, P("file"), 0, 0x7ff, P(buffer));
  CALL(statfs, 1, 1, P("."), P(buffer));
  CALL(fstatfs, 1, 1, (unsigned long)file, P(buffer));
  CALL(access, 0, 0, P("file"), 0);
  CALL(readlink, 0, 0, P("file"), P(buffer), length);
  CALL(mkdir, 0, 0, P("x"), 0700);
  CALL(rmdir, 0, 0, P("x"));
  CALL(unlink, 0, 0, P("x"));
  CALL(rename, 0, 0, P("x"), P("y"));
  CALL(rename, 1, 0, P("x"), P("y"));
  CALL(link, 1, 0, P("x"), P("y"));
  CALL(symlink, 0, 0, P("x"), P("y"));
  CALL(symlink, 1, 0, P("x"), P("file"));
  CALL(truncate, 0, 0, P("x"), 0);
  CALL(chmod, 0, 0, P("x"), 0);
  CALL(chdir, 0, 0, P("x"));
  CALL(getcwd, 0, 1, P(buffer), length);
  CALL(utimensat, 2, 0, (unsigned long)AT_FDCWD, P("file"), P(ends_there), 0);
  CALL(getdents64, 1, 1, (unsigned long)folder_file, P(buffer), length);
  CALL(ioctl, 2, 1, (unsigned long)ends[0], 0x541b /* FIONREAD */, P(buffer));
  CALL(fcntl, 2, 0, (unsigned long)file, F_SETLK, P(buffer));
  CALL(pipe2, 0, 1, P(buffer), 0);
  CALL(poll, 0, 1, P(buffer), 1, 0);
  CALL(epoll_wait, 1, 1, (unsigned long)polled, P(buffer), 1, 0);
  CALL(select, 1, 1, 8, P(buffer), 0, 0, P(&no_time));
  CALL_NOT_NULL(pselect6, 4, 0, 0, 0, 0, 0, P(ends_there), 0);
  CALL_NOT_NULL(ppoll, 2, 0, 0, 0, P(ends_there), 0);
  CALL(memfd_create, 0, 0, P("name"), 0);
  CALL(socketpair, 3, 1, AF_UNIX, SOCK_STREAM, 0, P(buffer));
  CALL(getsockname, 1, 1, (unsigned long)both[0], P(buffer), P(buffer));
  CALL(getsockname, 2, 1, (unsigned long)both[0], P(buffer), P(buffer));
  CALL(getsockopt, 3, 1, (unsigned long)both[0], SOL_SOCKET, SO_TYPE, P(buffer), P(buffer));
  CALL(setsockopt, 3, 0, (unsigned long)both[0], SOL_SOCKET, SO_RCVBUF, P(buffer), 4);
  CALL(sendto, 1, 0, (unsigned long)both[0], P(buffer), 5, 0, 0, 0);
  CALL(sendmsg, 1, 0, (unsigned long)both[0], P(buffer), 0);
  CALL(recvmsg, 1, 0, (unsigned long)both[0], P(ends_there), 0x40 /* MSG_DONTWAIT */);
  NEED(write(both[1], "socket", 6) == 6);
  CALL(recvfrom, 1, 1, (unsigned long)both[0], P(buffer), 5, 0x40, 0, 0);
  CALL(bind, 1, 0, (unsigned long)both[0], P(buffer), 10);
  CALL(connect, 1, 0, (unsigned long)both[0], P(buffer), 10);
  CALL(uname, 0, 1, P(buffer));
  CALL(sysinfo, 0, 1, P(buffer));
  CALL(getrlimit, 1, 1, 7, P(buffer));
  CALL(setrlimit, 1, 0, 4, P(ends_there));
  CALL(prlimit64, 3, 1, 0, 7, 0, P(buffer));
  CALL(getrusage, 1, 1, 0, P(buffer));
  CALL(times, 0, 1, P(buffer));
  CALL(gettimeofday, 0, 1, P(buffer), 0);
  CALL(clock_gettime, 1, 1, 1, P(buffer));
  CALL(clock_getres, 1, 1, 1, P(buffer));
  CALL(nanosleep, 0, 0, P(ends_there), 0);
  CALL(clock_nanosleep, 2, 0, 1, 0, P(ends_there), 0);
  CALL(getitimer, 1, 1, 0, P(buffer));
  CALL(setitimer, 1, 0, 0, P(ends_there), 0);
  CALL(timer_create, 2, 1, 1, 0, P(buffer));
  CALL(timerfd_settime, 2, 0, (unsigned long)file, 0, P(ends_there), 0);
  CALL(rt_sigaction, 1, 0, SIGUSR1, P(ends_there), 0, 8);
  CALL(rt_sigaction, 2, 1, SIGUSR1, 0, P(buffer), 8);
  CALL(rt_sigprocmask, 1, 0, SIG_BLOCK, P(ends_there - 4), 0, 8);
  CALL(rt_sigprocmask, 2, 1, SIG_BLOCK, 0, P(buffer), 8);
  CALL(rt_sigpending, 0, 1, P(buffer), 8);
  CALL(sigaltstack, 0, 0, P(ends_there), 0);
  CALL(sigaltstack, 1, 1, 0, P(buffer));
  CALL(rt_sigtimedwait, 0, 0, P(ends_there), 0, 0, 8);
  CALL(signalfd4, 1, 0, (unsigned long)-1, P(ends_there), 8, 0);
  CALL(futex, 0, 0, P(buffer), 1 /* FUTEX_WAKE, shared */, 1, 0, 0, 0);
  CALL(futex, 0, 0, P(buffer), 0 /* FUTEX_WAIT, shared */, 1, 0, 0, 0);
  CALL(get_robust_list, 1, 1, 0, P(buffer), P(buffer));
  CALL(sched_getaffinity, 2, 1, 0, 128, P(buffer));
  CALL(sched_setaffinity, 2, 0, 0, 8, P(ends_there));
  CALL(sched_getparam, 1, 1, 0, P(buffer));
  CALL(getcpu, 0, 1, P(buffer), 0, 0);
  CALL(getrandom, 0, 1, P(buffer), 16, 0);
  CALL(execve, 0, 0, P("nothing"), 0, 0);
  CALL(wait4, 1, 1, (unsigned long)-1, P(buffer), 1, 0);
  CALL(waitid, 2, 1, 0, 0, P(buffer), 4 | 1, 0);
  CALL(prctl, 1, 0, 15 /* PR_SET_NAME */, P("name"));
  CALL(prctl, 1, 1, 16 /* PR_GET_NAME */, P(buffer));
  CALL(mincore, 2, 1, P(pages), 4096, P(buffer));
  CALL(inotify_add_watch, 1, 0, (unsigned long)file, P("."), 2);
  CALL(getxattr, 0, 0, P("file"), P("user.a"), P(buffer), 10);
  CALL(copy_file_range, 1, 1, (unsigned long)file, P(buffer), (unsigned long)file, 0, 1, 0);
  CALL(sendfile, 2, 1, (unsigned long)both[1], (unsigned long)file, P(buffer), 1);

  /* Transfers that begin well and end in a missing page do what they can. */
  lseek(file, 0, SEEK_SET);
  RESULT(write(ends[1], ends_there, 100));
  RESULT(pwrite(file, ends_there, 100, 0));
  RESULT(pread(file, ends_there, 100, 0));
  RESULT(write(both[1], ends_there, 100));
  return 0;
}
