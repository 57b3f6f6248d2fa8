/* Files beyond the everyday calls: unnamed files, links of links, several ways to the same content,
 * locks between open files, copies, attributes of other users, odd arguments. */
#include <dirent.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <pthread.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <utime.h>

#include "report.h"

static int lock_bytes(int file, int command, short type, long start, long length) {
  struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
  return fcntl(file, command, &lock);
}

static void* take_and_release(void* argument) {
  const int file = *(int*)argument;
  usleep(50000);
  if (lock_bytes(file, F_OFD_SETLK, F_UNLCK, 0, 0) != 0) printf("unlock failed\n");
  return NULL;
}

static void show_lock(int file, int command, short type, long start, long length) {
  struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
  if (fcntl(file, command, &lock) != 0) {
    printf("getlk: %s\n", strerrorname_np(errno));
    return;
  }
  if (lock.l_type == F_UNLCK) {
    printf("getlk: free\n");
  } else {
    printf("getlk: type %d start %ld length %ld\n", lock.l_type, (long)lock.l_start,
           (long)lock.l_len);
  }
}

static void unnamed_and_linked(void) {
  char buffer[300];
  const int unnamed = open(".", O_TMPFILE | O_RDWR, 0600);
  NEED(unnamed >= 0);
  RESULT(write(unnamed, "unnamed", 7));
  struct stat s;
  NEED(fstat(unnamed, &s) == 0);
  report_result("links of an unnamed file", (long)s.st_nlink);
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", unnamed);
  RESULT(linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
  RESULT(stat("named", &s));
  report_result("links", (long)s.st_nlink);
  RESULT(open(".", O_TMPFILE | O_RDONLY, 0600));
  RESULT(open("named", O_TMPFILE | O_RDWR, 0600));
  /* A second way to open the same file. */
  const int again = open(path, O_RDONLY);
  NEED(again >= 0);
  RESULT(read(again, buffer, 100));
  RESULT(symlink("named", "soft"));
  RESULT(link("soft", "hard-to-soft"));
  RESULT(readlink("hard-to-soft", buffer, sizeof buffer));
  RESULT(linkat(AT_FDCWD, "soft", AT_FDCWD, "hard", AT_SYMLINK_FOLLOW));
  RESULT(linkat(AT_FDCWD, "soft", AT_FDCWD, "hard", 0x8000));
  RESULT(link("named", "missing/name"));
  RESULT(link("named", "newname/"));
  RESULT(link("missing", "x"));
  RESULT(symlink("", "empty"));
  RESULT(symlink("x", "newlink/"));
  RESULT(mkdir("made/", 0755));
  RESULT(mkdir("made/.", 0755));
  RESULT(mkdir("/", 0755));
  RESULT(unlink("made/"));
  RESULT(unlink("named/"));
  RESULT(unlink("."));
  RESULT(unlinkat(AT_FDCWD, "made", 0x4));
  RESULT(unlinkat(AT_FDCWD, "made", AT_REMOVEDIR));
  RESULT(rmdir("soft"));
  RESULT(rename("named/", "other"));
  RESULT(rename("named", "other/"));
  RESULT(rename(".", "other"));
  RESULT(rename("named", ".."));
  RESULT((int)syscall(SYS_renameat2, AT_FDCWD, "named", AT_FDCWD, "other", 3));
  RESULT((int)syscall(SYS_renameat2, AT_FDCWD, "named", AT_FDCWD, "..", 1));
  RESULT(mknod("node", S_IFREG | 0640, 0));
  RESULT(mknod("node2", S_IFDIR | 0640, 0));
  RESULT(mknod("node3", 0170000, 0));
  RESULT(mknod("sock", S_IFSOCK | 0640, 0));
  RESULT(open("sock", O_RDWR));
  RESULT(lstat("sock", &s));
  report_result("mode", (long)s.st_mode);
}

static void path_descriptors(void) {
  char buffer[100];
  struct stat s;
  const int place = open("named", O_PATH);
  NEED(place >= 0);
  RESULT(read(place, buffer, 1));
  RESULT(write(place, buffer, 1));
  RESULT(fstat(place, &s));
  RESULT(fchmod(place, 0600));
  RESULT(lseek(place, 0, SEEK_SET));
  RESULT(ioctl(place, FIONREAD, buffer));
  RESULT(fcntl(place, F_GETFL) == (O_PATH | O_LARGEFILE) || fcntl(place, F_GETFL) == O_PATH);
  RESULT(fcntl(place, F_SETFL, 0));
  RESULT(fsync(place));
  RESULT(ftruncate(place, 0));
  SUCCESS(dup(place));
  RESULT((long)mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, place, 0) == -1 ? errno : 0);
  const int link = open("soft", O_PATH | O_NOFOLLOW);
  NEED(link >= 0);
  RESULT(readlinkat(link, "", buffer, sizeof buffer));
  RESULT(fstat(link, &s));
  report_flag("a link", S_ISLNK(s.st_mode));
  const int directory = open(".", O_PATH);
  RESULT(fstatat(directory, "named", &s, 0));
  RESULT(openat(directory, "named/x", O_RDONLY));
  RESULT(openat(place, "x", O_RDONLY));
  RESULT(fchdir(place));
  RESULT(getdents64(directory, buffer, sizeof buffer));
  const int listed = open(".", O_RDONLY);
  RESULT(getdents64(listed, buffer, 10));
  RESULT(getdents64(place, buffer, 100));
  RESULT(getdents64(open("named", O_RDONLY), buffer, 100));
  report_flag("open flags", (fcntl(listed, F_GETFL) & ~O_LARGEFILE) == 0);
}

static void mapped_and_written(void) {
  const int file = open("mapped", O_RDWR | O_CREAT, 0600);
  NEED(file >= 0);
  RESULT(ftruncate(file, 10000));
  char* shared = mmap(NULL, 10000, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  char* private = mmap(NULL, 10000, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
  NEED(shared != MAP_FAILED && private != MAP_FAILED);
  RESULT(pwrite(file, "written", 7, 5000));
  report_flag("seen in the mapping", memcmp(shared + 5000, "written", 7) == 0);
  memcpy(shared + 100, "stored", 6);
  char buffer[100];
  RESULT(pread(file, buffer, 6, 100));
  report_flag("seen in the file", memcmp(buffer, "stored", 6) == 0);
  report_flag("seen privately", memcmp(private + 100, "stored", 6) == 0);
  memcpy(private + 100, "hidden", 6);
  report_flag("hidden", memcmp(shared + 100, "stored", 6) == 0);
  /* The file as the source and the target of its own content. */
  RESULT(pwrite(file, shared, 8192, 1));
  RESULT(pread(file, shared + 1, 8192, 0));
  shared[9999] = 'e';
  RESULT(ftruncate(file, 4097));
  RESULT(ftruncate(file, 10000));
  report_flag("cut off", shared[9999] == 0 && shared[4097] == 0);
  RESULT(fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 50, 5000));
  report_flag("hole", shared[101] == 0);
  RESULT(lseek(file, 0, SEEK_DATA));
  RESULT(lseek(file, 10000, SEEK_DATA));
  RESULT(lseek(file, 20000, SEEK_HOLE));
  RESULT(fallocate(file, FALLOC_FL_ZERO_RANGE, 0, 10) == -1 && errno == EOPNOTSUPP);
  RESULT(munmap(shared, 10000));
  RESULT(munmap(private, 10000));
  RESULT(pwrite(file, "x", 1, 0x7fffffffffffffff));
  RESULT(ftruncate(file, 0x7fffffffffffffff));
  RESULT(ftruncate(file, 0));
}

static void locks(void) {
  const int first = open("locked", O_RDWR | O_CREAT, 0600), second = open("locked", O_RDWR);
  NEED(first >= 0 && second >= 0);
  RESULT(lock_bytes(first, F_OFD_SETLK, F_WRLCK, 10, 10));
  RESULT(lock_bytes(second, F_OFD_SETLK, F_RDLCK, 0, 5));
  RESULT(lock_bytes(second, F_OFD_SETLK, F_RDLCK, 0, 11));
  show_lock(second, F_OFD_GETLK, F_RDLCK, 0, 0);
  show_lock(second, F_GETLK, F_WRLCK, 5, 3);
  RESULT(lock_bytes(first, F_OFD_SETLK, F_UNLCK, 14, 2));
  show_lock(second, F_OFD_GETLK, F_WRLCK, 12, 0);
  show_lock(second, F_OFD_GETLK, F_WRLCK, 14, 2);
  show_lock(second, F_OFD_GETLK, F_WRLCK, 14, 0);
  /* Locks of the process do not stand in its own way, and go with any descriptor. */
  RESULT(lock_bytes(first, F_OFD_SETLK, F_UNLCK, 0, 0));
  RESULT(lock_bytes(second, F_OFD_SETLK, F_UNLCK, 0, 0));
  RESULT(lock_bytes(first, F_SETLK, F_WRLCK, 0, 10));
  RESULT(lock_bytes(second, F_SETLK, F_WRLCK, 5, 10));
  show_lock(first, F_OFD_GETLK, F_RDLCK, 0, 0);
  RESULT(close(dup(second)));
  show_lock(first, F_OFD_GETLK, F_RDLCK, 0, 0);
  struct flock bad = {.l_type = F_RDLCK, .l_whence = 9};
  RESULT(fcntl(first, F_SETLK, &bad));
  bad = (struct flock){.l_type = F_RDLCK, .l_start = -5};
  RESULT(fcntl(first, F_SETLK, &bad));
  bad = (struct flock){.l_type = F_RDLCK, .l_start = 10, .l_len = -5};
  RESULT(fcntl(first, F_SETLK, &bad));
  show_lock(first, F_OFD_GETLK, F_WRLCK, 0, 0);
  bad = (struct flock){.l_type = F_RDLCK, .l_pid = 3};
  RESULT(fcntl(first, F_OFD_SETLK, &bad));
  const int pipe_ends = open("locked", O_WRONLY);
  RESULT(lock_bytes(pipe_ends, F_SETLK, F_RDLCK, 0, 1));
  RESULT(lock_bytes(first, F_SETLK, F_UNLCK, 0, 0));
  /* A wait ends when the other open file lets go. */
  RESULT(lock_bytes(first, F_OFD_SETLK, F_WRLCK, 0, 0));
  pthread_t thread;
  int shared = first;
  NEED(pthread_create(&thread, NULL, take_and_release, &shared) == 0);
  RESULT(lock_bytes(second, F_OFD_SETLKW, F_WRLCK, 0, 0));
  pthread_join(thread, NULL);
  RESULT(lock_bytes(first, F_OFD_SETLK, F_RDLCK, 0, 1));
  /* flock: each open file has its own. */
  RESULT(flock(first, LOCK_SH));
  RESULT(flock(second, LOCK_SH | LOCK_NB));
  RESULT(flock(first, LOCK_EX | LOCK_NB));
  RESULT(flock(second, LOCK_EX | LOCK_NB));
  RESULT(close(second));
  RESULT(flock(first, LOCK_EX | LOCK_NB));
}

static void descriptors(void) {
  struct rlimit limit;
  RESULT(getrlimit(RLIMIT_NOFILE, &limit));
  const struct rlimit old = limit;
  limit.rlim_cur = 20;
  RESULT(setrlimit(RLIMIT_NOFILE, &limit));
  int last = -1;
  for (int next; (next = dup(0)) >= 0;) last = next;
  report_result("last", last);
  RESULT(dup(0));
  RESULT(open("named", O_RDONLY));
  RESULT(dup2(0, 20));
  RESULT(fcntl(0, F_DUPFD, 20));
  RESULT(dup2(0, 19));
  RESULT(setrlimit(RLIMIT_NOFILE, &old));
  RESULT(dup2(0, 300));
  RESULT((int)syscall(SYS_close_range, 19, 400, 4));
  RESULT(fcntl(300, F_GETFD));
  RESULT((int)syscall(SYS_close_range, 3, ~0u, 0));
  RESULT((int)syscall(SYS_close_range, 3, ~0u, 8));
  RESULT(dup(0));
}

static void transfers(void) {
  int ends[2];
  char buffer[5000];
  memset(buffer, 'b', sizeof buffer);
  NEED(pipe(ends) == 0);
  const int from = open("from", O_RDWR | O_CREAT, 0600), to = open("to", O_RDWR | O_CREAT, 0600);
  NEED(from >= 0 && to >= 0);
  RESULT(write(from, buffer, sizeof buffer));
  off_t offset = 100;
  RESULT(sendfile(ends[1], from, &offset, 3000));
  report_result("offset", offset);
  RESULT(lseek(from, 0, SEEK_CUR));
  RESULT(read(ends[0], buffer, sizeof buffer));
  RESULT(sendfile(to, ends[0], NULL, 100));
  RESULT(sendfile(to, ends[0], &offset, 100));
  RESULT(lseek(from, 4990, SEEK_SET));
  RESULT(sendfile(to, from, NULL, 100));
  RESULT(sendfile(to, from, NULL, 100));
  offset = -1;
  RESULT(sendfile(to, from, &offset, 100));
  RESULT(copy_file_range(from, NULL, ends[1], NULL, 10, 0));
  RESULT(copy_file_range(from, NULL, open(".", O_RDONLY), NULL, 10, 0));
  off_t in = 0, out = 5;
  RESULT(copy_file_range(from, &in, from, &out, 10, 0));
  out = 5000;
  RESULT(copy_file_range(from, &in, from, &out, 10, 0));
  report_result("in", in);
  report_result("out", out);
  RESULT(copy_file_range(from, NULL, open("to", O_WRONLY | O_APPEND), NULL, 10, 0));
  struct iovec parts[2] = {{buffer, 3}, {buffer, 4}};
  RESULT((int)pwritev2(to, parts, 2, -1, 0));
  RESULT((int)pwritev2(to, parts, 2, -1, 0x4000));
  RESULT((int)preadv2(to, parts, 2, 0, 0));
  RESULT((int)preadv2(ends[0], parts, 2, 0, 0));
  RESULT((int)pwritev2(to, parts, 2, -2, 0));
  RESULT(pread(ends[0], buffer, 1, 0));
  RESULT(lseek(ends[0], 0, SEEK_CUR));
  RESULT(fsync(ends[0]));
  RESULT(ftruncate(ends[1], 0));
  RESULT(posix_fadvise(ends[0], 0, 0, 0));
  RESULT(posix_fadvise(from, 0, 0, 77));
  RESULT(fallocate(ends[1], 0, 0, 10));
  RESULT(fallocate(from, 0, -1, 10));
  RESULT(fallocate(open("from", O_RDONLY), 0, 0, 10));
  RESULT(readahead(from, 0, 100));
  RESULT(readahead(ends[0], 0, 100));
  RESULT(fcntl(ends[0], F_GETPIPE_SZ));
  RESULT(fcntl(from, F_GETPIPE_SZ));
  RESULT(fcntl(from, F_SETOWN, getpid()));
  report_flag("owner", fcntl(from, F_GETOWN) == getpid());
  RESULT(fcntl(from, F_GETSIG));
  RESULT(fcntl(from, F_GETLEASE));
}

static volatile int signals_seen, signal_code;
static void note_signal(int number, siginfo_t* information, void* context) {
  (void)number;
  (void)context;
  ++signals_seen;
  signal_code = information->si_code;
}

/* A pipe that tells its owner by SIGIO. */
static void signalled(void) {
  int ends[2], on = 1;
  char byte;
  struct sigaction action = {.sa_sigaction = note_signal, .sa_flags = SA_SIGINFO};
  NEED(pipe(ends) == 0 && sigaction(SIGIO, &action, NULL) == 0);
  RESULT(write(ends[1], "x", 1));
  report_flag("silent", signals_seen == 0);
  RESULT(read(ends[0], &byte, 1));
  RESULT(fcntl(ends[0], F_SETOWN, getpid()));
  RESULT(fcntl(ends[0], F_SETFL, O_ASYNC));
  RESULT(fcntl(ends[0], F_GETFL) & O_ASYNC);
  RESULT(write(ends[1], "x", 1));
  report_flag("signalled", signals_seen == 1);
  report_flag("from the kernel", signal_code == SI_KERNEL);
  RESULT(read(ends[0], &byte, 1));
  on = 0;
  RESULT(ioctl(ends[0], FIOASYNC, &on));
  RESULT(write(ends[1], "x", 1));
  report_flag("silent again", signals_seen == 1);
  RESULT(close(ends[0]));
  RESULT(close(ends[1]));
}

static void sizes_limited(void) {
  struct rlimit limit = {10000, RLIM_INFINITY};
  signal(SIGXFSZ, SIG_IGN);
  RESULT(setrlimit(RLIMIT_FSIZE, &limit));
  const int file = open("limited", O_RDWR | O_CREAT, 0600);
  char buffer[100] = "";
  RESULT(pwrite(file, buffer, 100, 9950));
  RESULT(pwrite(file, buffer, 100, 10000));
  RESULT(ftruncate(file, 10001));
  RESULT(ftruncate(file, 10000));
  limit.rlim_cur = RLIM_INFINITY;
  RESULT(setrlimit(RLIMIT_FSIZE, &limit));
}

static void attributes(void) {
  struct stat s;
  RESULT(chmod("named", 06777));
  RESULT(chown("named", 5, 6));
  RESULT(stat("named", &s));
  printf("mode %o user %u group %u\n", s.st_mode, s.st_uid, s.st_gid);
  RESULT(lchown("soft", 7, -1));
  RESULT(lstat("soft", &s));
  printf("mode %o user %u\n", s.st_mode, s.st_uid);
  RESULT(fchownat(AT_FDCWD, "named", 1, 1, 0x4));
  const struct timeval times[2] = {{10, 20}, {30, 40}}, wrong[2] = {{0, 1000000}, {0, 0}};
  RESULT(utimes("named", times));
  RESULT(utimes("named", wrong));
  RESULT(stat("named", &s));
  printf("%ld %ld %ld %ld\n", s.st_atim.tv_sec, s.st_atim.tv_nsec, s.st_mtim.tv_sec,
         s.st_mtim.tv_nsec);
  const struct utimbuf seconds = {50, 60};
  RESULT(utime("named", &seconds));
  RESULT(stat("named", &s));
  printf("%ld %ld\n", s.st_atim.tv_sec, s.st_mtim.tv_sec);
  const int named = open("named", O_RDWR);
  const struct timespec now[2] = {{0, UTIME_OMIT}, {-5, 999999999}};
  RESULT(futimens(named, now));
  RESULT(fstat(named, &s));
  printf("%ld %ld %ld\n", s.st_atim.tv_sec, s.st_mtim.tv_sec, s.st_mtim.tv_nsec);
  RESULT(utimensat(AT_FDCWD, "soft", NULL, AT_SYMLINK_NOFOLLOW));
  /* A read sets the time of access when that lies behind the last change. */
  char byte;
  RESULT(pread(named, &byte, 1, 0));
  RESULT(fstat(named, &s));
  report_flag("accessed", s.st_atim.tv_sec > 1000);
  RESULT(mkdir("group", 02755));
  RESULT(chmod("group", 02755));
  RESULT(chown("group", -1, 9));
  RESULT(mkdir("group/in", 0700));
  RESULT(stat("group/in", &s));
  printf("mode %o group %u\n", s.st_mode, s.st_gid);
  RESULT(access("named", X_OK));
  RESULT(chmod("named", 0600));
  RESULT(access("named", X_OK));
  RESULT((int)syscall(SYS_faccessat2, AT_FDCWD, "named", R_OK, 0x8000));
  RESULT((int)syscall(SYS_faccessat2, named, "", R_OK, AT_EMPTY_PATH));
  RESULT((int)syscall(SYS_statx, AT_FDCWD, "named", AT_STATX_SYNC_TYPE, STATX_ALL, &s));
  RESULT((int)syscall(SYS_statx, AT_FDCWD, "named", 0, 0x80000000u, &s));
  /* As somebody else. */
  RESULT(chmod("group", 0700));
  RESULT(mkdir("sticky", 0777));
  RESULT(chmod("sticky", 01777));
  RESULT(close(open("sticky/mine", O_CREAT | O_WRONLY, 0644)));
  RESULT(chmod(".", 0755));
  RESULT(setgid(4000));
  RESULT(setuid(4000));
  RESULT(open("named", O_RDONLY));
  RESULT(access("named", R_OK));
  RESULT(access("named", F_OK));
  RESULT(open("new", O_CREAT | O_WRONLY, 0600));
  RESULT(stat("group/in", &s));
  RESULT(chdir("group"));
  RESULT(unlink("sticky/mine"));
  RESULT(rename("sticky/mine", "sticky/yours"));
  SUCCESS(open("sticky/ours", O_CREAT | O_WRONLY, 0600));
  RESULT(unlink("sticky/ours"));
  RESULT(chmod("sticky/mine", 0600));
  RESULT(chown("sticky/mine", 4000, 4000));
  RESULT(utimes("sticky/mine", times));
  RESULT(utimes("sticky/mine", NULL));
  RESULT(unlink("named"));
  RESULT(mkdir("sub", 0700));
  RESULT(mkdir("group/x", 0700));
  RESULT(mknod("sticky/device", S_IFCHR | 0600, 0x103));
}

int main(void) {
  setvbuf(stdout, NULL, _IONBF, 0);
  umask(022);
  char folder[] = "details-XXXXXX";
  NEED(mkdtemp(folder) != NULL && chdir(folder) == 0);
  unnamed_and_linked();
  path_descriptors();
  mapped_and_written();
  locks();
  transfers();
  signalled();
  sizes_limited();
  descriptors();
  attributes();
  return 0;
}
