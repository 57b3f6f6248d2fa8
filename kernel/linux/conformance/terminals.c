/* Pseudo-terminals: names and numbers, settings, ends that close. */
#include <fcntl.h>
#include <pty.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "terminal_pair.h"

static void names(void) {
  struct stat s, node;
  master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
  NEED(master >= 0);
  NEED(fstat(master, &s) == 0);
  printf("master %d:%d type %o\n", major(s.st_rdev), minor(s.st_rdev), s.st_mode & S_IFMT);
  unsigned number = 99;
  RESULT(ioctl(master, TIOCGPTN, &number));
  char path[64], name[64] = "", link[64];
  snprintf(path, sizeof path, "/dev/pts/%u", number);
  RESULT(ptsname_r(master, name, sizeof name));
  FLAG(strcmp(path, name) == 0);
  FLAG(isatty(master));
  int lock = -1;
  RESULT(ioctl(master, TIOCGPTLCK, &lock));
  RESULT(lock);
  RESULT(open(path, O_RDWR | O_NOCTTY));
  RESULT(ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY));
  RESULT(unlockpt(master));
  RESULT(events(master, POLLIN | POLLOUT, 0));
  RESULT(fcntl(master, F_SETFL, O_NONBLOCK));
  show_read("nobody has opened the slave", master, 10);
  RESULT(write(master, "early\n", 6));
  fcntl(master, F_SETFL, 0);
  slave = open(path, O_RDWR | O_NOCTTY);
  NEED(slave >= 0);
  show_read("early", slave, 100);
  RESULT(fcntl(slave, F_GETFL) & (O_ACCMODE | O_NOCTTY | O_NONBLOCK));
  NEED(fstat(slave, &s) == 0 && stat(path, &node) == 0);
  FLAG(s.st_ino == node.st_ino && s.st_dev == node.st_dev && s.st_rdev == node.st_rdev);
  FLAG(minor(s.st_rdev) == number && s.st_ino == number + 3);
  printf("slave %d type %o links %d size %ld block %ld\n", major(s.st_rdev), s.st_mode & S_IFMT,
         (int)s.st_nlink, (long)s.st_size, (long)s.st_blksize);
  RESULT(fchmod(slave, 0640));
  NEED(stat(path, &node) == 0);
  printf("mode %o\n", node.st_mode);
  RESULT(ttyname_r(slave, name, sizeof name));
  FLAG(strcmp(path, name) == 0);
  snprintf(path, sizeof path, "/proc/self/fd/%d", slave);
  const long length = readlink(path, link, sizeof link);
  FLAG(length > 0 && strncmp(link, name, (size_t)length) == 0);
  const int peer = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  FLAG(peer >= 0 && fcntl(peer, F_GETFD) == FD_CLOEXEC);
  NEED(fstat(peer, &node) == 0);
  FLAG(node.st_ino == s.st_ino);
  close(peer);
  RESULT(ioctl(slave, TIOCGPTN, &number));
  RESULT(ioctl(slave, TIOCSPTLCK, &lock));
  RESULT(ioctl(master, TIOCGPTN, (void*)8));
  RESULT(lseek(slave, 0, SEEK_SET));
  RESULT(pread(slave, path, 1, 0));
  RESULT(fsync(slave));
  RESULT(ioctl(slave, 0x5499, 0));
  RESULT(ioctl(master, 0x5499, 0));
  RESULT(open("/dev/pts/4000", O_RDWR));
  RESULT(mkdir("/dev/pts/x", 0700));
  RESULT(unlink(name));
  /* A number is free when both ends are closed. */
  close(master);
  RESULT(open(name, O_RDWR | O_NOCTTY));
  RESULT(stat(name, &node));
  const int other = open("/dev/ptmx", O_RDWR | O_NOCTTY);
  unsigned another = 0;
  NEED(ioctl(other, TIOCGPTN, &another) == 0);
  FLAG(another != number);
  close(slave), close(other);
}

static void all_settings(void) {
  open_pair();
  show_settings("slave", slave);
  show_settings("master", master);
  struct termios t = settings();
  t.c_iflag = IGNBRK | INLCR;
  t.c_oflag = OPOST | OCRNL;
  t.c_cflag = CS7 | PARENB | B9600 | HUPCL;
  t.c_lflag = ISIG | TOSTOP;
  t.c_cc[VERASE] = 8;
  t.c_cc[VMIN] = 7;
  RESULT(tcsetattr(slave, TCSADRAIN, &t));
  show_settings("changed", slave);
  t = settings();
  t.c_lflag = ICANON | ECHO;
  RESULT(tcsetattr(master, TCSAFLUSH, &t));
  show_settings("by the master", slave);
  RESULT(cfsetspeed(&t, B115200));
  RESULT(tcsetattr(slave, TCSANOW, &t));
  show_settings("faster", slave);
  RESULT(ioctl(slave, TCGETS, (void*)8));
  RESULT(ioctl(slave, TCSETS, (void*)8));
  struct winsize size = {1, 2, 3, 4};
  RESULT(ioctl(slave, TIOCGWINSZ, &size));
  printf("window %d %d %d %d\n", size.ws_row, size.ws_col, size.ws_xpixel, size.ws_ypixel);
  size = (struct winsize){25, 80, 640, 480};
  RESULT(ioctl(master, TIOCSWINSZ, &size));
  size = (struct winsize){0, 0, 0, 0};
  RESULT(ioctl(slave, TIOCGWINSZ, &size));
  printf("window %d %d %d %d\n", size.ws_row, size.ws_col, size.ws_xpixel, size.ws_ypixel);
  RESULT(ioctl(slave, TIOCSWINSZ, (void*)8));
  int number = -1;
  RESULT(ioctl(slave, TIOCGETD, &number));
  RESULT(number);
  RESULT(ioctl(slave, TIOCOUTQ, &number));
  RESULT(number);
  RESULT(tcdrain(slave));
  RESULT(tcsendbreak(slave, 0));
  RESULT(tcflush(slave, 3));
  RESULT(tcflow(slave, 4));
  RESULT(ioctl(slave, TIOCEXCL));
  RESULT(ioctl(slave, TIOCGEXCL, &number));
  RESULT(number);
  RESULT(ioctl(slave, TIOCNXCL));
  close_pair();
}

static void ends(void) {
  char text[10];
  open_pair();
  NEED(write(slave, "last words", 10) == 10);
  close(slave);
  show_read("closed slave", master, 100);
  RESULT(events(master, POLLIN | POLLOUT, 0) & ~POLLOUT);
  show_read("closed slave", master, 100);
  RESULT(write(master, "x", 1));
  slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY);
  FLAG(slave >= 0);
  RESULT(events(master, POLLOUT, 0));
  type("again\n");
  show_read("opened again", slave, 100);
  show_all("echo", master);
  type("unread\n");
  waiting(slave);
  close(master);
  RESULT(events(slave, POLLIN | POLLOUT, 0));
  show_read("closed master", slave, 100);
  RESULT(write(slave, "x", 1));
  RESULT(ioctl(slave, TIOCGWINSZ, text));
  RESULT(tcsetpgrp(slave, getpgrp()));
  RESULT(isatty(slave));
  struct stat s;
  RESULT(fstat(slave, &s));
  close(slave);
  /* Waits end. */
  open_pair();
  int set = epoll_create1(0);
  struct epoll_event event = {EPOLLIN, {.u32 = 1}};
  NEED(epoll_ctl(set, EPOLL_CTL_ADD, slave, &event) == 0);
  event.data.u32 = 2;
  NEED(epoll_ctl(set, EPOLL_CTL_ADD, master, &event) == 0);
  RESULT(epoll_wait(set, &event, 1, 0));
  type("line\n");
  struct epoll_event both[2];
  NEED(events(slave, POLLIN, 10000) == POLLIN && events(master, POLLIN, 10000) == POLLIN);
  RESULT(epoll_wait(set, both, 2, 1000));
  show_read("line", slave, 100);
  show_all("echo", master);
  RESULT(epoll_wait(set, both, 2, 0));
  close(slave);
  RESULT(epoll_wait(set, both, 2, 1000));
  printf("%x %d\n", both[0].events, both[0].data.u32);
  close(master), close(set);
}

int main(void) {
  alarm(50);
  names();
  all_settings();
  ends();
  return 0;
}
