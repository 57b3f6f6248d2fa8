/* A pair of master and slave, and what programs about terminals do with it: show what can be read,
 * type, change settings. */
#pragma once

#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "report.h"

static int master, slave;

/* What can be read, with all that is not plain text spelled out. */
static inline void show(const char* what, const char* text, long length) {
  if (length < 0) {
    report_result(what, -1);
    return;
  }
  printf("%s = %ld \"", what, length);
  for (long i = 0; i < length; ++i) {
    const unsigned char c = (unsigned char)text[i];
    if (c >= 32 && c < 127 && c != '\\')
      putchar(c);
    else
      printf("\\%03o", c);
  }
  printf("\"\n");
  fflush(stdout);
}
static inline int events(int fd, int wanted, int timeout) {
  struct pollfd p = {fd, (short)wanted, 0};
  NEED(poll(&p, 1, timeout) >= 0);
  return p.revents;
}
static inline void show_read(const char* what, int fd, size_t most) {
  char text[8192];
  errno = 0;
  show(what, text, read(fd, text, most));
}
/* Bytes that come in several pieces, until nothing comes any more. */
static inline void show_all(const char* what, int fd) {
  char text[8192];
  long length = 0, count;
  while ((events(fd, POLLIN, 100) & POLLIN) != 0 &&
         (count = read(fd, text + length, sizeof text - (size_t)length)) > 0)
    length += count;
  show(what, text, length);
}
static inline void type(const char* text) {
  NEED(write(master, text, strlen(text)) == (long)strlen(text));
}
static inline int waiting(int fd) {
  int bytes = -1;
  events(fd, POLLIN, 50);
  NEED(ioctl(fd, FIONREAD, &bytes) == 0);
  return bytes;
}
static inline struct termios settings(void) {
  struct termios t;
  NEED(tcgetattr(slave, &t) == 0);
  return t;
}
static inline void show_settings(const char* what, int fd) {
  struct termios t;
  errno = 0;
  if (tcgetattr(fd, &t) != 0) {
    report_result(what, -1);
    return;
  }
  printf("%s: %o %o %o %o line %d speed %o:", what, t.c_iflag, t.c_oflag, t.c_cflag, t.c_lflag,
         t.c_line, cfgetospeed(&t));
  for (int i = 0; i <= VEOL2; ++i) printf(" %d", t.c_cc[i]);
  printf("\n");
  fflush(stdout);
}
static inline void change(tcflag_t off, tcflag_t on) {
  struct termios t = settings();
  t.c_lflag = (t.c_lflag & ~off) | on;
  NEED(tcsetattr(slave, TCSANOW, &t) == 0);
}
static inline void change_input(tcflag_t off, tcflag_t on) {
  struct termios t = settings();
  t.c_iflag = (t.c_iflag & ~off) | on;
  NEED(tcsetattr(slave, TCSANOW, &t) == 0);
}
static inline void change_output(tcflag_t off, tcflag_t on) {
  struct termios t = settings();
  t.c_oflag = (t.c_oflag & ~off) | on;
  NEED(tcsetattr(slave, TCSANOW, &t) == 0);
}
static inline void raw(int minimum, int time) {
  struct termios t = settings();
  cfmakeraw(&t);
  t.c_cc[VMIN] = (cc_t)minimum, t.c_cc[VTIME] = (cc_t)time;
  NEED(tcsetattr(slave, TCSANOW, &t) == 0);
}
static inline void open_pair(void) { NEED(openpty(&master, &slave, NULL, NULL, NULL) == 0); }
static inline void close_pair(void) { close(master), close(slave); }
