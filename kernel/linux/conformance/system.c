/* Identity, limits, prctl, usage, randomness, and /proc as a program sees itself in it. */
#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "report.h"

static void limits(void) {
  struct rlimit limit, again;
  RESULT(getrlimit(RLIMIT_NOFILE, &limit));
  limit.rlim_cur = 100;
  RESULT(setrlimit(RLIMIT_NOFILE, &limit));
  RESULT(getrlimit(RLIMIT_NOFILE, &again));
  printf("%lu\n", (unsigned long)again.rlim_cur);
  FLAG(again.rlim_max == limit.rlim_max);
  limit.rlim_cur = 20;
  limit.rlim_max = 10;
  RESULT(setrlimit(RLIMIT_NOFILE, &limit));
  RESULT(getrlimit(16, &limit));
  RESULT(setrlimit(-1, &limit));
  RESULT(syscall(SYS_prlimit64, 0x3ffffff, RLIMIT_CORE, NULL, &limit));
  RESULT(prlimit(getpid(), RLIMIT_CORE, NULL, &limit));
  RESULT(syscall(SYS_getrlimit, RLIMIT_STACK, (void*)8));
  RESULT(getrlimit(RLIMIT_STACK, &limit));
  printf("%lu\n", (unsigned long)limit.rlim_cur);
  /* Descriptors stop where the limit says. */
  int last = 0, next;
  while ((next = dup(0)) >= 0) last = next;
  printf("%d %s\n", last, strerrorname_np(errno));
  for (int i = 3; i <= last; ++i) close(i);
}

static void controls(void) {
  char name[16];
  RESULT(prctl(PR_SET_NAME, "a name that is too long"));
  RESULT(prctl(PR_GET_NAME, name));
  report_text("name", name);
  RESULT(prctl(PR_SET_NAME, (char*)1));
  RESULT(prctl(PR_GET_DUMPABLE));
  RESULT(prctl(PR_SET_DUMPABLE, 7));
  RESULT(prctl(PR_SET_KEEPCAPS, 1));
  RESULT(prctl(PR_GET_KEEPCAPS));
  RESULT(prctl(PR_SET_KEEPCAPS, 2));
  RESULT(prctl(PR_SET_PDEATHSIG, 99));
  RESULT(prctl(PR_SET_PDEATHSIG, SIGUSR1));
  int signal_number = 0;
  RESULT(prctl(PR_GET_PDEATHSIG, &signal_number));
  printf("%d\n", signal_number);
  RESULT(prctl(PR_CAPBSET_READ, 41));
  RESULT(prctl(PR_CAPBSET_READ, 63));
  RESULT(prctl(PR_GET_TIMERSLACK));
  RESULT(prctl(PR_SET_TIMERSLACK, 1000));
  RESULT(prctl(PR_GET_TIMERSLACK));
  RESULT(prctl(PR_SET_TIMERSLACK, 0));
  RESULT(prctl(PR_GET_TIMERSLACK));
  RESULT(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
  RESULT(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
  RESULT(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
  RESULT(prctl(PR_SET_NO_NEW_PRIVS, 2, 0, 0, 0));
  RESULT(prctl(12345));
  RESULT(syscall(SYS_arch_prctl, 0x9999, 0));
  RESULT(syscall(SYS_arch_prctl, 0x1002, 0xffff800000000000));
  RESULT(syscall(SYS_personality, 0xffffffff));
  unsigned header[2] = {0, 0}, data[6] = {0};
  RESULT(syscall(SYS_capget, header, data));
  printf("%x\n", header[0]);
  header[0] = 0;
  RESULT(syscall(SYS_capget, header, NULL));
  RESULT(syscall(SYS_capget, header, data));
  header[1] = -1;
  RESULT(syscall(SYS_capget, header, data));
  header[1] = 0x3ffffff;
  RESULT(syscall(SYS_capget, header, data));
  RESULT(syscall(SYS_capget, (void*)8, data));
}

static void identity(void) {
  uid_t real, effective, saved;
  RESULT(getresuid(&real, &effective, &saved));
  FLAG(real == getuid() && effective == geteuid() && real == saved);
  FLAG(getgid() == getegid());
  RESULT(syscall(SYS_getresuid, (void*)8, &effective, &saved));
  FLAG(getppid() != getpid());
  FLAG(getpid() == syscall(SYS_gettid));
  RESULT(syscall(SYS_setgroups, 0x10001, NULL));
  gid_t groups[4] = {30, 10, 20, 7};
  RESULT(setgroups(3, groups));
  RESULT(getgroups(0, NULL));
  RESULT(getgroups(2, groups));
  RESULT(getgroups(4, groups));
  printf("%d %d %d %d\n", groups[0], groups[1], groups[2], groups[3]);
  RESULT(setresgid(5, 6, 7));
  printf("%d %d\n", getgid(), getegid());
  /* Down to an ordinary user, for good. */
  RESULT(setreuid(1000, 1001));
  RESULT(getresuid(&real, &effective, &saved));
  printf("%d %d %d\n", real, effective, saved);
  RESULT(setuid(0));
  RESULT(setuid(-1));
  RESULT(setuid(1000));
  RESULT(seteuid(1001));
  RESULT(setgroups(0, NULL));
  RESULT(setresuid(-1, 1000, -1));
  RESULT(setresuid(1002, -1, -1));
}

static void information(void) {
  struct utsname names;
  RESULT(uname(&names));
  report_text("system", names.sysname);
  report_text("machine", names.machine);
  FLAG(names.release[0] >= '5' && names.nodename[0] != 0);
  RESULT(syscall(SYS_uname, (void*)8));
  struct sysinfo system;
  RESULT(sysinfo(&system));
  FLAG(system.totalram > 0 && system.freeram <= system.totalram && system.procs > 0);
  FLAG(system.mem_unit == 1 && system.uptime >= 0);
  unsigned char random[300] = {0};
  RESULT(getrandom(random, sizeof random, 0));
  int zeros = 0;
  for (unsigned i = 0; i < sizeof random; ++i) zeros += random[i] == 0;
  FLAG(zeros < 30);
  RESULT(getrandom(random, 5, GRND_NONBLOCK | GRND_RANDOM));
  RESULT(getrandom(random, 5, 0xff));
  RESULT(getrandom(random, 0, 0));
  RESULT(syscall(SYS_getrandom, (void*)8, 5, 0));
}

static void print_file(const char* path) {
  char text[4096];
  const int file = open(path, O_RDONLY);
  const ssize_t length = file < 0 ? -1 : read(file, text, sizeof text - 1);
  text[length < 0 ? 0 : length] = 0;
  printf("%s: %s\n", path, length < 0 ? strerrorname_np(errno) : text);
  if (file >= 0) close(file);
}

static void print_link(const char* path) {
  char text[4096];
  const ssize_t length = readlink(path, text, sizeof text - 1);
  text[length < 0 ? 0 : length] = 0;
  const char* name = strrchr(text, '/');
  printf("%s -> %s\n", path, length < 0 ? strerrorname_np(errno) : name == NULL ? text : name);
}

static void* look_at_thread(void* argument) {
  (void)argument;
  char path[64];
  snprintf(path, sizeof path, "/proc/self/task/%d/comm", (int)syscall(SYS_gettid));
  const int file = open(path, O_RDWR);
  RESULT(write(file, "worker\n", 7));
  char name[16] = {0};
  RESULT(pread(file, name, sizeof name - 1, 0));
  report_text("comm", name);
  close(file);
  prctl(PR_GET_NAME, name);
  report_text("name", name);
  DIR* tasks = opendir("/proc/self/task");
  int count = 0;
  while (readdir(tasks) != NULL) ++count;
  closedir(tasks);
  RESULT(count);
  return NULL;
}

static void proc(void) {
  prctl(PR_SET_NAME, "conform");
  print_file("/proc/self/comm");
  print_file("/proc/thread-self/comm");
  print_file("/proc/self/oom_score_adj");
  print_file("/proc/self/nothing");
  print_file("/proc/nothing");
  print_file("/proc/sys/kernel/ostype");
  print_file("/proc/99999999/stat");
  print_link("/proc/self/exe");
  print_link("/proc/self/root");
  print_link("/proc/mounts");
  char own[32], seen[32] = {0};
  snprintf(own, sizeof own, "%d", getpid());
  RESULT(readlink("/proc/self", seen, sizeof seen) == (ssize_t)strlen(own));
  FLAG(strcmp(own, seen) == 0);
  struct stat status, program;
  RESULT(stat("/proc/self/exe", &status));
  FLAG(S_ISREG(status.st_mode) && (status.st_mode & 0111) != 0);
  RESULT(lstat("/proc/self/exe", &program));
  FLAG(S_ISLNK(program.st_mode));
  RESULT(stat("/proc/self/stat", &status));
  printf("%o %ld\n", status.st_mode, (long)status.st_size);
  RESULT(stat("/proc/self/fd", &status));
  printf("%o\n", status.st_mode);
  RESULT(stat("/proc/self/task", &status));
  printf("%o\n", status.st_mode);
  struct statfs system;
  RESULT(statfs("/proc", &system));
  printf("%lx\n", (long)system.f_type);
  RESULT(statfs("/sys/devices", &system));
  printf("%lx\n", (long)system.f_type);
  RESULT(open("/proc/new", O_CREAT | O_WRONLY, 0600));
  RESULT(mkdir("/proc/new", 0700));
  RESULT(unlink("/proc/version"));
  RESULT(open("/proc/self", O_RDONLY | O_NOFOLLOW));
  RESULT(chdir("/proc/self/fd"));
  const int file = open("/proc/self/stat", O_RDONLY);
  char text[1024] = {0};
  NEED(read(file, text, sizeof text - 1) > 0);
  int id, fields = 1;
  char name[32], state;
  RESULT(sscanf(text, "%d (%31[^)]) %c", &id, name, &state));
  printf("%s %c\n", name, state);
  FLAG(id == getpid());
  for (const char* c = text; *c != 0; ++c) fields += *c == ' ';
  RESULT(fields);
  RESULT(lseek(file, 0, SEEK_SET));
  RESULT(pread(file, text, 1, 100000));
  RESULT(lseek(file, 0, SEEK_END));
  RESULT(write(file, "x", 1));
  snprintf(text, sizeof text, "/proc/self/fd/%d", file);
  print_link(text);
  snprintf(text, sizeof text, "%d", file);
  print_link(text);
  close(file);
  print_link(text);
  RESULT(chdir("/"));
  /* A mapping is where maps says. */
  char* memory = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  RESULT(mprotect(memory, 4096, PROT_NONE));
  FILE* maps = fopen("/proc/self/maps", "r");
  int stack = 0, heap = 0, vdso = 0, found = 0;
  free(malloc(1000));
  char line[512];
  while (fgets(line, sizeof line, maps) != NULL) {
    unsigned long begin, end;
    char rights[5];
    if (sscanf(line, "%lx-%lx %4s", &begin, &end, rights) != 3) printf("line %s", line);
    stack += strstr(line, "[stack]\n") == line + 73;
    heap += strstr(line, "[heap]\n") == line + 73;
    vdso += strstr(line, "[vdso]\n") == line + 73;
    found += begin == (uintptr_t)memory && end == begin + 4096 && strcmp(rights, "---p") == 0;
  }
  fclose(maps);
  printf("stack %d heap %d vdso %d found %d\n", stack, heap, vdso, found);
  pthread_t thread;
  pthread_create(&thread, NULL, look_at_thread, NULL);
  pthread_join(thread, NULL);
}

int main(void) {
  limits();
  controls();
  information();
  proc();
  identity();
  return 0;
}
