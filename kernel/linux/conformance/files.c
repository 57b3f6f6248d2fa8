/* Files and directories: flags, errors, attributes, names, links, positions. */
#include <dirent.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "report.h"

static void show(const char* path) {
  struct stat s;
  if (lstat(path, &s) != 0) {
    printf("%s: %s\n", path, strerrorname_np(errno));
    return;
  }
  printf("%s: mode %o size %ld links %ld blocks %ld\n", path, s.st_mode,
         S_ISDIR(s.st_mode) ? 0 : (long)s.st_size, (long)s.st_nlink,
         S_ISREG(s.st_mode) ? (long)s.st_blocks : 0);
}

static int by_name(const void* a, const void* b) {
  return strcmp(*(char* const*)a, *(char* const*)b);
}
static void list(const char* path) {
  DIR* directory = opendir(path);
  NEED(directory != NULL);
  char* names[64];
  int count = 0;
  for (struct dirent* entry; (entry = readdir(directory)) != NULL && count < 64;) {
    char name[300];
    snprintf(name, sizeof name, "%s/%d", entry->d_name, entry->d_type);
    names[count++] = strdup(name);
  }
  closedir(directory);
  qsort(names, (size_t)count, sizeof *names, by_name);
  printf("%s:", path);
  for (int i = 0; i < count; ++i) printf(" %s", names[i]);
  printf("\n");
}

int main(void) {
  umask(022);
  char folder[] = "files-XXXXXX";
  NEED(mkdtemp(folder) != NULL && chdir(folder) == 0);

  /* Opening. */
  RESULT(open("a", O_RDONLY));
  SUCCESS(open("a", O_RDWR | O_CREAT, 0666));
  show("a");
  RESULT(open("a", O_RDWR | O_CREAT | O_EXCL, 0666));
  RESULT(open("a/b", O_RDONLY));
  RESULT(open("a/", O_RDONLY));
  RESULT(open("a", O_RDONLY | O_DIRECTORY));
  RESULT(open(".", O_RDWR));
  RESULT(open("", O_RDONLY));
  RESULT(open("missing/b", O_RDWR | O_CREAT, 0600));
  RESULT(open("new/", O_RDWR | O_CREAT, 0600));
  char long_name[300];
  memset(long_name, 'n', 299);
  long_name[299] = 0;
  RESULT(open(long_name, O_RDWR | O_CREAT, 0600));
  long_name[255] = 0;
  SUCCESS(open(long_name, O_RDWR | O_CREAT, 0600));
  RESULT(unlink(long_name));
  static char long_path[5000];
  memset(long_path, '/', 4999);
  RESULT(open(long_path, O_RDONLY));
  RESULT(openat(99, "a", O_RDONLY));
  RESULT(openat(AT_FDCWD, "a", O_WRONLY | O_RDWR | O_CREAT | O_EXCL, 0600));
  const int a = open("a", O_RDWR | O_TRUNC);
  NEED(a >= 0);
  FLAG((fcntl(a, F_GETFL) & O_ACCMODE) == O_RDWR);
  RESULT(fcntl(a, F_GETFD));
  RESULT(fcntl(a, F_SETFD, FD_CLOEXEC));
  RESULT(fcntl(a, F_GETFD));
  RESULT(fcntl(99, F_GETFD));
  RESULT(fcntl(a, 12345));

  /* Reading, writing, positions. */
  RESULT(write(a, "0123456789", 10));
  RESULT(lseek(a, 0, SEEK_CUR));
  RESULT(lseek(a, -3, SEEK_END));
  RESULT(lseek(a, -30, SEEK_CUR));
  RESULT(lseek(a, 0, 99));
  char buffer[200] = "";
  RESULT(read(a, buffer, 100));
  RESULT(read(a, buffer, 100));
  RESULT(pread(a, buffer, 4, 2));
  report_text("read", (buffer[4] = 0, buffer));
  RESULT(pwrite(a, "xx", 2, 100));
  RESULT(pread(a, buffer, 100, 5));
  report_flag("hole of zeros", buffer[5] == 0 && buffer[94] == 0 && buffer[95] == 'x');
  RESULT(pread(a, buffer, 10, -1));
  RESULT(lseek(a, 1l << 40, SEEK_SET));
  RESULT(read(a, buffer, 10));
  RESULT(lseek(a, 0, SEEK_SET));
  struct iovec parts[3] = {{"abc", 3}, {"", 0}, {"defg", 4}};
  RESULT(writev(a, parts, 3));
  RESULT(writev(a, parts, 0));
  RESULT(writev(a, parts, -1));
  RESULT(writev(a, parts, 5000));
  struct iovec into[2] = {{buffer, 2}, {buffer + 10, 3}};
  RESULT(preadv(a, into, 2, 1));
  printf("scattered: %.2s %.3s\n", buffer, buffer + 10);
  RESULT(ftruncate(a, 5));
  RESULT(ftruncate(a, -1));
  show("a");
  RESULT(truncate("a", 8192));
  show("a");
  RESULT(truncate(".", 10));
  RESULT(fallocate(a, 0, 0, 20000));
  RESULT(fallocate(a, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4096, 4096));
  RESULT(fallocate(a, 0, 0, 0));
  RESULT(lseek(a, 0, SEEK_HOLE) == 4096 || 1);
  RESULT(ftruncate(a, 0));
  const int appending = open("a", O_WRONLY | O_APPEND);
  RESULT(write(appending, "one", 3));
  RESULT(pwrite(a, "two", 3, 3));
  RESULT(write(appending, "three", 5));
  RESULT(lseek(appending, 0, SEEK_CUR));
  RESULT(read(appending, buffer, 1));
  const int reading = open("a", O_RDONLY);
  RESULT(write(reading, "x", 1));
  RESULT(ftruncate(reading, 0));
  RESULT(read(reading, buffer, 100));
  printf("appended: %.11s\n", buffer);
  RESULT(read(99, buffer, 1));
  RESULT(write(99, buffer, 1));
  RESULT(close(99));
  RESULT(read(open(".", O_RDONLY), buffer, 1));
  RESULT(ioctl(a, 0x5401, buffer));
  int available = -1;
  RESULT(lseek(reading, 4, SEEK_SET));
  RESULT(ioctl(reading, FIONREAD, &available));
  report_result("available", available);

  /* Duplicates share the position. */
  const int twin = dup(reading);
  RESULT(lseek(twin, 7, SEEK_SET));
  RESULT(lseek(reading, 0, SEEK_CUR));
  RESULT(dup2(reading, 50));
  RESULT(dup2(99, 51));
  RESULT(dup2(50, 50));
  RESULT(dup3(50, 50, 0));
  RESULT(dup3(reading, 51, O_CLOEXEC));
  RESULT(fcntl(51, F_GETFD));
  RESULT(fcntl(reading, F_DUPFD, 60));
  RESULT(fcntl(reading, F_DUPFD_CLOEXEC, 60));
  RESULT(dup2(reading, -1));
  RESULT((int)syscall(SYS_close_range, 50, 70, 0));
  RESULT(fcntl(61, F_GETFD));
  RESULT((int)syscall(SYS_close_range, 70, 50, 0));

  /* Directories and names. */
  RESULT(mkdir("d", 0777));
  RESULT(mkdir("d", 0777));
  RESULT(mkdir("missing/d", 0777));
  RESULT(mkdir("a/d", 0777));
  show("d");
  RESULT(mkdir("d/e", 0700));
  show("d");
  RESULT(rmdir("d"));
  RESULT(rmdir("a"));
  RESULT(unlink("d"));
  RESULT(rmdir("d/e/."));
  RESULT(rmdir("d/e/.."));
  RESULT(rmdir("/"));
  RESULT(link("a", "d/hard"));
  show("a");
  RESULT(link("d", "d2"));
  RESULT(link("a", "d/hard"));
  RESULT(symlink("d/hard", "soft"));
  RESULT(symlink("x", "soft"));
  RESULT(symlink("loop2", "loop1"));
  RESULT(symlink("loop1", "loop2"));
  RESULT(open("loop1", O_RDONLY));
  RESULT(open("soft", O_RDONLY | O_NOFOLLOW));
  SUCCESS(open("soft", O_RDONLY));
  RESULT(symlink("nowhere", "dangling"));
  RESULT(open("dangling", O_RDONLY));
  RESULT(open("dangling", O_RDWR | O_CREAT | O_EXCL, 0600));
  show("dangling");
  RESULT(readlink("soft", buffer, 100));
  RESULT(readlink("soft", buffer, 3));
  RESULT(readlink("a", buffer, 100));
  RESULT(readlink("soft", buffer, 0));
  list(".");
  list("d");
  RESULT(rename("a", "b"));
  RESULT(rename("a", "c"));
  RESULT(rename("b", "d"));
  RESULT(rename("d", "b"));
  RESULT(rename("d", "d/e/f"));
  RESULT(rename("b", "b"));
  RESULT(rename("d/hard", "b"));
  show("d/hard");
  RESULT(mkdir("empty", 0700));
  RESULT(rename("d", "empty"));
  list("empty");
  RESULT(rename("empty", "d"));
  RESULT((int)syscall(SYS_renameat2, AT_FDCWD, "b", AT_FDCWD, "soft", 1 /* NOREPLACE */));
  RESULT((int)syscall(SYS_renameat2, AT_FDCWD, "b", AT_FDCWD, "soft", 2 /* EXCHANGE */));
  show("soft");
  RESULT((int)syscall(SYS_renameat2, AT_FDCWD, "b", AT_FDCWD, "soft", 2));
  RESULT(unlink("missing"));
  RESULT(unlink("d/hard"));
  show("b");

  /* An unlinked file lives while it is open. */
  const int gone = open("gone", O_RDWR | O_CREAT, 0600);
  RESULT(unlink("gone"));
  RESULT(write(gone, "still here", 10));
  RESULT(pread(gone, buffer, 10, 0));
  struct stat s;
  RESULT(fstat(gone, &s));
  report_result("links", (long)s.st_nlink);

  /* Attributes. */
  RESULT(chmod("b", 04711));
  show("b");
  RESULT(fchmod(reading, 0644));
  RESULT(chmod("missing", 0));
  RESULT(chown("b", (uid_t)-1, (gid_t)-1));
  const struct timespec times[2] = {{1000000000, 5}, {0, UTIME_OMIT}};
  RESULT(utimensat(AT_FDCWD, "b", times, 0));
  RESULT(stat("b", &s));
  report_result("access time", s.st_atim.tv_sec);
  report_result("access time", s.st_atim.tv_nsec);
  const struct timespec bad[2] = {{0, 1000000000}, {0, 0}};
  RESULT(utimensat(AT_FDCWD, "b", bad, 0));
  RESULT(utimensat(AT_FDCWD, "missing", NULL, 0));
  RESULT(access("b", F_OK));
  RESULT(access("missing", F_OK));
  RESULT(access("b", 99));
  RESULT(faccessat(AT_FDCWD, "dangling", F_OK, AT_SYMLINK_NOFOLLOW));
  struct statx x;
  RESULT(statx(AT_FDCWD, "b", 0, STATX_SIZE | STATX_MODE, &x));
  report_result("statx size", (long)x.stx_size);
  RESULT(fstatat(reading, "", &s, AT_EMPTY_PATH));
  RESULT(fstatat(reading, "", &s, 0));
  RESULT(fstatat(AT_FDCWD, "b", &s, 0x8000));
  struct statfs f;
  RESULT(statfs("missing", &f));
  RESULT(statfs(".", &f));
  report_result("longest name", f.f_namelen);

  /* The working directory. */
  RESULT(chdir("d"));
  RESULT(chdir("missing"));
  RESULT(chdir("../b"));
  FLAG(getcwd(buffer, 2) == NULL && errno == ERANGE);
  FLAG(getcwd(buffer, sizeof buffer) != NULL && strcmp(strrchr(buffer, '/'), "/d") == 0);
  RESULT(fchdir(reading));
  RESULT(chdir(".."));
  RESULT(open("./././d/../b", O_RDONLY) >= 0);
  RESULT(open("/../../..//tmp", O_RDONLY | O_DIRECTORY) >= 0);

  /* Locks. */
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 10, .l_len = 5};
  const int locked = open("b", O_RDWR);
  RESULT(fcntl(locked, F_SETLK, &lock));
  RESULT(fcntl(locked, F_GETLK, &lock));
  report_flag("unlocked", lock.l_type == F_UNLCK);
  lock.l_type = F_RDLCK;
  RESULT(fcntl(locked, F_OFD_SETLK, &lock));
  lock.l_type = 17;
  RESULT(fcntl(locked, F_SETLK, &lock));
  lock.l_type = F_WRLCK;
  RESULT(fcntl(reading, F_SETLK, &lock));
  const int other = open("b", O_RDWR);
  RESULT(flock(locked, LOCK_EX | LOCK_NB));
  RESULT(flock(other, LOCK_SH | LOCK_NB));
  RESULT(flock(locked, LOCK_UN));
  RESULT(flock(other, LOCK_SH | LOCK_NB));
  RESULT(flock(other, 16));

  /* Copies. */
  const int to = open("to", O_RDWR | O_CREAT, 0600);
  off_t from = 1;
  RESULT(sendfile(to, reading, &from, 100));
  report_result("position", from);
  off_t source = 2;
  RESULT(copy_file_range(reading, &source, to, NULL, 3, 0));
  RESULT(copy_file_range(reading, &source, to, NULL, 3, 1));
  RESULT(lseek(to, 0, SEEK_END));

  /* memfd and its seals. */
  const int memory = memfd_create("name", MFD_ALLOW_SEALING);
  RESULT(write(memory, "12345", 5));
  RESULT(fcntl(memory, F_GET_SEALS));
  RESULT(fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW));
  RESULT(ftruncate(memory, 2));
  RESULT(pwrite(memory, "1", 1, 5));
  RESULT(pwrite(memory, "1", 1, 4));
  RESULT(fcntl(memory, F_ADD_SEALS, F_SEAL_WRITE));
  RESULT(pwrite(memory, "1", 1, 0));
  RESULT(fcntl(reading, F_GET_SEALS));
  RESULT(memfd_create("x", 0x8000));

  /* Devices. */
  const int null = open("/dev/null", O_RDWR), zero = open("/dev/zero", O_RDWR),
            full = open("/dev/full", O_RDWR);
  RESULT(write(null, "x", 1));
  RESULT(read(null, buffer, 1));
  memset(buffer, 'x', 10);
  RESULT(read(zero, buffer, 10));
  report_flag("zeros", buffer[0] == 0 && buffer[9] == 0);
  RESULT(write(full, "x", 1));
  RESULT(lseek(null, 5, SEEK_SET));
  const int random = open("/dev/urandom", O_RDONLY);
  RESULT(read(random, buffer, 16));
  RESULT(isatty(null));
  show("/dev/null");

  /* Attributes that programs ask for and do not find. */
  RESULT(getxattr("b", "user.none", buffer, 10));
  RESULT((int)syscall(SYS_fadvise64, reading, 0, 0, 2));
  RESULT(fsync(reading));
  RESULT(fdatasync(null));
  RESULT(mkfifo("fifo", 0600));
  show("fifo");
  RESULT(open("fifo", O_WRONLY | O_NONBLOCK));
  SUCCESS(open("fifo", O_RDONLY | O_NONBLOCK));

  /* A large directory. */
  NEED(mkdir("many", 0700) == 0 && chdir("many") == 0);
  for (int i = 0; i < 3000; ++i) {
    char name[20];
    snprintf(name, sizeof name, "file%d", i);
    const int file = open(name, O_CREAT | O_WRONLY, 0600);
    NEED(file >= 0 && close(file) == 0);
  }
  DIR* directory = opendir(".");
  int count = 0;
  for (struct dirent* entry; (entry = readdir(directory)) != NULL;)
    count += entry->d_name[0] == 'f';
  report_result("entries", count);
  rewinddir(directory);
  int removed = 0;
  for (struct dirent* entry; (entry = readdir(directory)) != NULL;)
    removed += entry->d_name[0] == 'f' && unlink(entry->d_name) == 0;
  report_result("removed while reading", removed);
  closedir(directory);
  RESULT(chdir(".."));
  RESULT(rmdir("many"));
  return 0;
}
