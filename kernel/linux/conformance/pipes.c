/* Pipes and FIFOs: room, atomic writes, packets, ends that close, SIGPIPE, splice and tee. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "report.h"

static char buffer[1 << 17];

static int readable_bytes(int fd) {
  int bytes = -1;
  NEED(ioctl(fd, FIONREAD, &bytes) == 0);
  return bytes;
}
static int events(int fd, int wanted) {
  struct pollfd p = {fd, (short)wanted, 0};
  NEED(poll(&p, 1, 0) >= 0);
  return p.revents;
}
static int broken_pipes;
static void on_broken_pipe(int signal) {
  (void)signal;
  ++broken_pipes;
}

/* Each takes a turn: a byte comes, a byte goes. */
static int there[2], back[2];
static void* echo(void* argument) {
  (void)argument;
  char c;
  while (read(there[0], &c, 1) == 1) NEED(write(back[1], &c, 1) == 1);
  return NULL;
}

static void* write_much(void* fd) {
  static char much[200000];
  memset(much, 'm', sizeof much);
  return (void*)(long)write((int)(long)fd, much, sizeof much);
}

static void* open_to_write(void* path) {
  int fd = open(path, O_WRONLY);
  NEED(fd >= 0 && write(fd, "fifo", 4) == 4);
  close(fd);
  return NULL;
}

int main(void) {
  umask(022); /* whoever starts this may have another */
  int p[2], q[2];
  memset(buffer, 'b', sizeof buffer);

  RESULT(pipe2(p, O_APPEND));
  RESULT(pipe2((int*)8, 0));
  RESULT(pipe2(p, O_NONBLOCK | O_CLOEXEC));
  RESULT(fcntl(p[0], F_GETFL) & (O_ACCMODE | O_NONBLOCK));
  RESULT(fcntl(p[1], F_GETFL) & (O_ACCMODE | O_NONBLOCK));
  RESULT(fcntl(p[0], F_GETFD));
  RESULT(read(p[0], buffer, 1));
  RESULT(read(p[1], buffer, 1));
  RESULT(write(p[0], buffer, 1));
  RESULT(lseek(p[0], 0, SEEK_CUR));
  RESULT(pread(p[0], buffer, 1, 0));
  struct stat s;
  NEED(fstat(p[0], &s) == 0);
  printf("mode %o size %ld\n", s.st_mode, (long)s.st_size);

  /* Room. */
  RESULT(fcntl(p[0], F_GETPIPE_SZ));
  long total = 0, count;
  while ((count = write(p[1], buffer, 3000)) > 0) total += count;
  RESULT(count);
  printf("3000 at a time: %ld\n", total);
  RESULT(events(p[1], POLLOUT));
  RESULT(readable_bytes(p[0]));
  RESULT(read(p[0], buffer, 2999));
  RESULT(write(p[1], buffer, 4096));
  RESULT(read(p[0], buffer, 1));
  RESULT(events(p[1], POLLOUT));
  RESULT(write(p[1], buffer, 4096));
  RESULT(write(p[1], buffer, 1));
  RESULT(read(p[0], buffer, sizeof buffer));
  RESULT(write(p[1], buffer, sizeof buffer));
  RESULT(read(p[0], buffer, sizeof buffer));
  RESULT(fcntl(p[0], F_SETPIPE_SZ, 5000));
  RESULT(write(p[1], buffer, 10000));
  RESULT(fcntl(p[0], F_SETPIPE_SZ, 4096));
  RESULT(fcntl(p[0], F_SETPIPE_SZ, 1 << 20));
  RESULT(write(p[1], buffer, 10000));
  RESULT(readable_bytes(p[0]));
  RESULT(read(p[0], buffer, 0));
  RESULT(write(p[1], buffer, 0));
  RESULT(write(p[1], (void*)8, 10));
  RESULT(read(p[0], (void*)8, 10));

  /* Ends. */
  close(p[1]);
  RESULT(events(p[0], POLLIN));
  RESULT(read(p[0], buffer, sizeof buffer));
  RESULT(events(p[0], POLLIN));
  RESULT(read(p[0], buffer, sizeof buffer));
  close(p[0]);
  NEED(pipe(p) == 0);
  signal(SIGPIPE, on_broken_pipe);
  close(p[0]);
  RESULT(events(p[1], POLLOUT));
  RESULT(write(p[1], "x", 1));
  RESULT(broken_pipes);
  signal(SIGPIPE, SIG_IGN);
  RESULT(write(p[1], "x", 1));
  close(p[1]);

  /* Packets. */
  NEED(pipe2(p, O_DIRECT) == 0);
  RESULT(write(p[1], "first", 5));
  RESULT(write(p[1], "second", 6));
  RESULT(read(p[0], buffer, 2));
  RESULT(read(p[0], buffer, 100));
  close(p[0]), close(p[1]);

  /* Vectors. */
  NEED(pipe(p) == 0);
  struct iovec out[3] = {{"one", 3}, {"", 0}, {"two", 3}};
  RESULT(writev(p[1], out, 3));
  char a[2], b[10];
  struct iovec in[2] = {{a, 2}, {b, 10}};
  RESULT(readv(p[0], in, 2));
  printf("%.2s %.4s\n", a, b);

  /* A large write goes on as it is read. */
  pthread_t thread;
  NEED(pthread_create(&thread, NULL, write_much, (void*)(long)p[1]) == 0);
  total = 0;
  while (total < 200000 && (count = read(p[0], buffer, 7777)) > 0) total += count;
  void* written;
  pthread_join(thread, &written);
  printf("written %ld read %ld\n", (long)written, total);

  /* There and back. */
  NEED(pipe(there) == 0 && pipe(back) == 0);
  NEED(pthread_create(&thread, NULL, echo, NULL) == 0);
  long sum = 0;
  for (int i = 0; i < 300; ++i) {
    char c = (char)(i % 100);
    NEED(write(there[1], &c, 1) == 1 && read(back[0], &c, 1) == 1);
    sum += c;
  }
  close(there[1]);
  pthread_join(thread, NULL);
  printf("sum %ld\n", sum);

  /* splice and tee. */
  NEED(pipe2(q, O_NONBLOCK) == 0);
  int file = open(".", O_TMPFILE | O_RDWR, 0600);
  NEED(file >= 0 && write(file, "0123456789", 10) == 10);
  RESULT(splice(file, NULL, p[1], NULL, 5, 0));
  loff_t offset = 2;
  RESULT(splice(file, &offset, p[1], NULL, 5, 0));
  printf("offset %ld\n", (long)offset);
  RESULT(tee(p[0], q[1], 100, 0));
  RESULT(read(q[0], buffer, 100));
  printf("%.5s\n", buffer);
  RESULT(splice(p[0], NULL, q[1], NULL, 3, 0));
  offset = 20;
  RESULT(splice(p[0], NULL, file, &offset, 100, 0));
  RESULT(lseek(file, 0, SEEK_CUR));
  RESULT(lseek(file, 0, SEEK_END));
  RESULT(splice(q[0], NULL, q[1], NULL, 3, 0));
  RESULT(splice(file, NULL, file, NULL, 3, 0));
  RESULT(splice(q[0], &offset, file, NULL, 3, 0));
  RESULT(splice(q[1], NULL, file, NULL, 3, 0));
  RESULT(splice(q[0], NULL, file, NULL, 3, 64));
  RESULT(tee(q[0], q[1], 3, 0));
  RESULT(tee(file, q[1], 3, 0));
  RESULT(read(q[0], buffer, 100));
  RESULT(splice(q[0], NULL, file, NULL, 3, 0));
  struct iovec gift = {"gift", 4};
  RESULT(vmsplice(q[1], &gift, 1, 0));
  RESULT(read(q[0], buffer, 100));
  RESULT(vmsplice(file, &gift, 1, 0));

  /* FIFOs. */
  char path[] = "fifo";
  RESULT(mkfifo(path, 0640));
  RESULT(mkfifo(path, 0640));
  RESULT(open(path, O_WRONLY | O_NONBLOCK));
  NEED(pthread_create(&thread, NULL, open_to_write, path) == 0);
  int reader = open(path, O_RDONLY);
  RESULT(read(reader, buffer, 100));
  pthread_join(thread, NULL);
  RESULT(read(reader, buffer, 100));
  RESULT(events(reader, POLLIN));
  close(reader);
  reader = open(path, O_RDONLY | O_NONBLOCK);
  RESULT(events(reader, POLLIN));
  RESULT(read(reader, buffer, 100));
  int writer = open(path, O_WRONLY | O_NONBLOCK);
  RESULT(read(reader, buffer, 100));
  close(writer);
  RESULT(events(reader, POLLIN));
  int both = open(path, O_RDWR);
  RESULT(events(both, POLLIN | POLLOUT));
  RESULT(write(both, "both", 4));
  RESULT(read(reader, buffer, 100));
  close(both);
  NEED(stat(path, &s) == 0);
  printf("mode %o\n", s.st_mode);
  unlink(path);
  return 0;
}
