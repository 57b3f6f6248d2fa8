/* inotify: what is told of files and directories, in which order. */
#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report.h"

static int in;

/* What waits, and the queue is empty afterwards. */
static void show(const char* when) {
  static char buffer[8192] __attribute__((aligned(8)));
  printf("%s:", when);
  for (long length; (length = read(in, buffer, sizeof buffer)) > 0;) {
    for (char* at = buffer; at < buffer + length;) {
      const struct inotify_event* e = (void*)at;
      printf(" [%d %x %s%s]", e->wd, e->mask, e->cookie != 0 ? "c " : "",
             e->len != 0 ? e->name : "-");
      at += sizeof *e + e->len;
    }
  }
  printf("\n");
}

int main(void) {
  char folder[] = "inotify-XXXXXX", path[64];
  NEED(mkdtemp(folder) != NULL && chdir(folder) == 0);
  RESULT(inotify_init1(1));
  in = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  NEED(in >= 0);
  RESULT(fcntl(in, F_GETFD));
  NEED(mkdir("w", 0755) == 0);
  RESULT(inotify_add_watch(in, "nothing", IN_CREATE));
  RESULT(inotify_add_watch(in, "w", 0));
  RESULT(inotify_add_watch(0, "w", IN_CREATE));
  RESULT(inotify_add_watch(99, "w", IN_CREATE));
  RESULT(inotify_add_watch(in, (char*)8, IN_CREATE));
  RESULT(inotify_add_watch(in, "w", IN_MASK_ADD | IN_MASK_CREATE | IN_CREATE));
  RESULT(inotify_rm_watch(in, 1));
  RESULT(inotify_add_watch(in, "w", IN_ALL_EVENTS));
  RESULT(inotify_add_watch(in, "w", IN_ALL_EVENTS | IN_MASK_CREATE));
  RESULT(inotify_add_watch(in, "w", IN_ALL_EVENTS));
  RESULT(read(in, path, sizeof path));

  int f = open("w/a", O_CREAT | O_RDWR, 0644);
  RESULT(inotify_add_watch(in, "w/a", IN_CREATE | IN_ONLYDIR));
  RESULT(read(in, path, 10));
  int bytes;
  NEED(ioctl(in, FIONREAD, &bytes) == 0);
  RESULT(bytes);
  struct pollfd p = {in, POLLIN, 0};
  RESULT(poll(&p, 1, 0));
  show("created");
  NEED(write(f, "abc", 3) == 3);
  show("written");
  NEED(write(f, "abc", 3) == 3 && write(f, "x", 1) == 1);
  show("written twice");
  NEED(pread(f, path, 1, 0) == 1);
  show("read");
  NEED(ftruncate(f, 1) == 0);
  show("cut");
  NEED(fchmod(f, 0600) == 0);
  show("changed");
  close(f);
  show("closed");
  RESULT(inotify_add_watch(in, "w/a", IN_ALL_EVENTS));
  f = open("w/a", O_RDONLY);
  show("opened");
  close(f);
  show("closed");
  NEED(link("w/a", "w/b") == 0);
  show("linked");
  NEED(rename("w/b", "w/c") == 0);
  show("renamed");
  NEED(rename("w/a", "w/d") == 0);
  show("renamed again");
  NEED(mkdir("w/s", 0755) == 0);
  show("directory");
  NEED(symlink("x", "w/l") == 0);
  show("symbolic link");
  NEED(unlink("w/l") == 0 && unlink("w/c") == 0);
  show("removed");
  f = open("w/d", O_RDWR);
  show("opened");
  NEED(unlink("w/d") == 0);
  show("removed while open");
  close(f);
  show("closed");
  NEED(rename("w/s", "s") == 0);
  show("moved out");
  NEED(rename("s", "w/s") == 0);
  show("moved in");
  NEED(rename("w", "v") == 0);
  show("moved itself");
  f = open("v/t", O_CREAT | O_WRONLY | O_TRUNC, 0644);
  close(f);
  show("made anew");
  NEED(truncate("v/t", 5) == 0);
  show("truncated");
  f = open("v/t", O_WRONLY | O_TRUNC);
  show("opened and cut");
  close(f);
  show("closed");
  f = open("v", O_RDONLY | O_DIRECTORY);
  close(f);
  show("looked at");
  NEED(inotify_add_watch(in, "v", IN_DELETE | IN_ONESHOT) == 1);
  f = open("v/t", O_RDONLY);
  close(f);
  NEED(unlink("v/t") == 0 && rmdir("v/s") == 0);
  show("one shot");
  RESULT(inotify_rm_watch(in, 1));
  RESULT(inotify_add_watch(in, "v", IN_DELETE_SELF));
  NEED(rmdir("v") == 0);
  show("all gone");

  /* More than the queue takes. */
  RESULT(inotify_add_watch(in, ".", IN_CREATE | IN_DELETE));
  for (int i = 0; i < 10000; ++i) {
    snprintf(path, sizeof path, "f%d", i);
    f = open(path, O_CREAT | O_WRONLY, 0600);
    NEED(f >= 0);
    close(f);
    unlink(path);
  }
  static char all[1 << 20] __attribute__((aligned(8)));
  long events = 0;
  unsigned last = 0;
  for (long length; (length = read(in, all, sizeof all)) > 0;) {
    for (char* at = all; at < all + length; ++events) {
      const struct inotify_event* e = (void*)at;
      last = e->mask;
      at += sizeof *e + e->len;
    }
  }
  printf("%ld events, the last one %x\n", events, last);
  RESULT(inotify_rm_watch(in, 4));
  show("ignored");
  NEED(chdir("..") == 0 && rmdir(folder) == 0);
  return 0;
}
