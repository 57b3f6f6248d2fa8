/* openat2: what it refuses, and paths that may not leave, follow or cross. */
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "report.h"

static int base;

static long open2(const char* path, unsigned long flags, unsigned long mode,
                  unsigned long resolve) {
  struct open_how how = {flags, mode, resolve};
  return syscall(SYS_openat2, base, path, &how, sizeof how);
}
/* With each rule: the content, or the error. */
static void with_rules(const char* path) {
  static const struct {
    const char* name;
    unsigned long resolve;
  } rules[] = {{"-", 0},
               {"no xdev", RESOLVE_NO_XDEV},
               {"no magic links", RESOLVE_NO_MAGICLINKS},
               {"no symlinks", RESOLVE_NO_SYMLINKS},
               {"beneath", RESOLVE_BENEATH},
               {"in root", RESOLVE_IN_ROOT}};
  printf("%s:", path);
  for (unsigned i = 0; i < sizeof rules / sizeof *rules; ++i) {
    /* Where the root and this folder lie in one file system differs. */
    if (rules[i].resolve == RESOLVE_NO_XDEV && strncmp(path, "absolute", 8) == 0) continue;
    char text[40];
    const long fd = open2(path, O_RDONLY, 0, rules[i].resolve);
    if (fd < 0) {
      printf(" %s %s;", rules[i].name, strerrorname_np(errno));
      continue;
    }
    const long length = read((int)fd, text, 3);
    printf(" %s %.*s;", rules[i].name, length < 0 ? 3 : (int)length, length < 0 ? "dir" : text);
    close((int)fd);
  }
  printf("\n");
}
static void make(const char* path, const char* text) {
  const int fd = open(path, O_CREAT | O_WRONLY, 0600);
  NEED(fd >= 0 && write(fd, text, strlen(text)) == (long)strlen(text));
  close(fd);
}

int main(void) {
  NEED(mkdir("base", 0700) == 0 && mkdir("base/sub", 0700) == 0);
  make("out", "out"), make("base/in", "in"), make("base/sub/deep", "deep");
  NEED(symlink("in", "base/link") == 0 && symlink("../out", "base/leaves") == 0);
  NEED(symlink("/sub/deep", "base/absolute") == 0 && symlink("sub/../in", "base/back") == 0);
  NEED(symlink("/proc/self/fd/0", "base/magic") == 0 &&
       symlink("/../../in", "base/absolute-up") == 0);
  NEED(symlink("link", "base/twice") == 0);
  base = open("base", O_PATH | O_DIRECTORY);
  NEED(base >= 0);
  const char* paths[] = {"in",
                         "sub/deep",
                         "sub/../in",
                         "../out",
                         "../base/in",
                         "link",
                         "twice",
                         "leaves",
                         "absolute",
                         "back",
                         "absolute-up",
                         ".",
                         "..",
                         "sub/..",
                         "sub/../..",
                         "/in",
                         "/../in",
                         "/",
                         "/dev/null",
                         "missing",
                         "sub/x",
                         "in/x",
                         "/proc/self/status",
                         "/sub/deep"};
  for (unsigned i = 0; i < sizeof paths / sizeof *paths; ++i) with_rules(paths[i]);
  /* Magic links lead to what is open. */
  NEED(dup2(open("base/in", O_RDONLY), 0) == 0);
  with_rules("magic");
  with_rules("/proc/self/fd/0");
  /* Links themselves may be named. */
  SUCCESS(open2("link", O_PATH | O_NOFOLLOW, 0, RESOLVE_NO_SYMLINKS));
  RESULT(open2("link", O_RDONLY | O_NOFOLLOW, 0, RESOLVE_NO_SYMLINKS));
  /* New files. */
  SUCCESS(open2("new", O_CREAT | O_WRONLY, 0640, RESOLVE_BENEATH));
  RESULT(open2("../new", O_CREAT | O_WRONLY, 0640, RESOLVE_BENEATH));
  SUCCESS(open2("../newer", O_CREAT | O_WRONLY, 0640, RESOLVE_IN_ROOT));
  struct stat s;
  RESULT(stat("base/newer", &s));
  SUCCESS(open2(".", O_TMPFILE | O_RDWR, 0600, RESOLVE_BENEATH));
  RESULT(open2("..", O_TMPFILE | O_RDWR, 0600, RESOLVE_BENEATH));
  /* What makes no sense. */
  SUCCESS(open2("in", O_RDONLY, 0, RESOLVE_CACHED));
  RESULT(open2("in", O_RDONLY, 0600, 0));
  RESULT(open2("in", O_CREAT | O_RDWR, 010000, 0));
  RESULT(open2("in", 1ul << 40, 0, 0));
  RESULT(open2("in", O_RDONLY, 0, 0x40));
  RESULT(open2("in", O_RDONLY, 0, RESOLVE_BENEATH | RESOLVE_IN_ROOT));
  RESULT(open2("in", O_PATH | O_RDWR, 0, 0));
  RESULT(open2("in", O_WRONLY | O_TRUNC, 0, RESOLVE_CACHED));
  RESULT(open2("sub", O_CREAT | O_DIRECTORY, 0600, 0));
  RESULT(open2("", O_RDONLY, 0, 0));
  struct {
    struct open_how how;
    unsigned long more;
  } large = {{O_RDONLY, 0, 0}, 0};
  SUCCESS(syscall(SYS_openat2, base, "in", &large, sizeof large));
  large.more = 1;
  RESULT(syscall(SYS_openat2, base, "in", &large, sizeof large));
  RESULT(syscall(SYS_openat2, base, "in", &large, 23));
  RESULT(syscall(SYS_openat2, base, "in", &large, 5000));
  RESULT(syscall(SYS_openat2, base, "in", (void*)8, sizeof large.how));
  RESULT(syscall(SYS_openat2, 99, "in", &large, sizeof large.how));
  return 0;
}
