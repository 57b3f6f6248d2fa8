/* Pseudo-terminals: names and numbers, settings, lines and their editing, echo, raw reads, signals
 * from the keyboard, ends that close, sessions and their terminals. The program runs itself with a
 * word for what needs a process of its own. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <pty.h>
#include <signal.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "report.h"

extern char** environ;
static char self[256];
static int master, slave;

/* What can be read, with all that is not plain text spelled out. */
static void show(const char* what, const char* text, long length) {
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
static int events(int fd, int wanted, int timeout) {
  struct pollfd p = {fd, (short)wanted, 0};
  NEED(poll(&p, 1, timeout) >= 0);
  return p.revents;
}
static void show_read(const char* what, int fd, size_t most) {
  char text[8192];
  errno = 0;
  show(what, text, read(fd, text, most));
}
/* Bytes that come in several pieces, until nothing comes any more. */
static void show_all(const char* what, int fd) {
  char text[8192];
  long length = 0, count;
  while ((events(fd, POLLIN, 100) & POLLIN) != 0 &&
         (count = read(fd, text + length, sizeof text - (size_t)length)) > 0)
    length += count;
  show(what, text, length);
}
static void type(const char* text) {
  NEED(write(master, text, strlen(text)) == (long)strlen(text));
}
static int waiting(int fd) {
  int bytes = -1;
  events(fd, POLLIN, 50);
  NEED(ioctl(fd, FIONREAD, &bytes) == 0);
  return bytes;
}
static struct termios settings(void) {
  struct termios t;
  NEED(tcgetattr(slave, &t) == 0);
  return t;
}
static void show_settings(const char* what, int fd) {
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
static void change(tcflag_t off, tcflag_t on) {
  struct termios t = settings();
  t.c_lflag = (t.c_lflag & ~off) | on;
  NEED(tcsetattr(slave, TCSANOW, &t) == 0);
}
static void change_input(tcflag_t off, tcflag_t on) {
  struct termios t = settings();
  t.c_iflag = (t.c_iflag & ~off) | on;
  NEED(tcsetattr(slave, TCSANOW, &t) == 0);
}
static void change_output(tcflag_t off, tcflag_t on) {
  struct termios t = settings();
  t.c_oflag = (t.c_oflag & ~off) | on;
  NEED(tcsetattr(slave, TCSANOW, &t) == 0);
}
static void raw(int minimum, int time) {
  struct termios t = settings();
  cfmakeraw(&t);
  t.c_cc[VMIN] = (cc_t)minimum, t.c_cc[VTIME] = (cc_t)time;
  NEED(tcsetattr(slave, TCSANOW, &t) == 0);
}
static void open_pair(void) { NEED(openpty(&master, &slave, NULL, NULL, NULL) == 0); }
static void close_pair(void) { close(master), close(slave); }

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

static void lines(void) {
  open_pair();
  RESULT(events(slave, POLLIN | POLLOUT, 0));
  RESULT(events(master, POLLIN | POLLOUT, 0));
  type("half");
  RESULT(waiting(slave));
  RESULT(events(slave, POLLIN, 50));
  type(" a line\rand the next\n");
  RESULT(events(slave, POLLIN, 1000));
  RESULT(waiting(slave));
  show_read("a part", slave, 4);
  RESULT(waiting(slave));
  show_read("the rest", slave, 100);
  show_read("the next", slave, 100);
  show_all("echo", master);
  /* Ends of file. */
  type("end\004");
  RESULT(waiting(slave));
  show_read("ended", slave, 100);
  type("\004");
  RESULT(events(slave, POLLIN, 1000));
  RESULT(waiting(slave));
  show_read("end of file", slave, 100);
  type("abc\004\n");
  show_read("three of three", slave, 3);
  show_read("then", slave, 100);
  type("abc\004\n");
  show_read("two of three", slave, 2);
  show_read("then", slave, 100);
  show_read("then", slave, 100);
  show_all("echo", master);
  /* Nothing for the buffer. */
  type("kept\n");
  show_read("nothing", slave, 0);
  RESULT(read(slave, (void*)8, 10));
  NEED(fcntl(slave, F_SETFL, O_NONBLOCK) == 0);
  char text[6000];
  while (read(slave, text, 10) > 0) {
  }
  show_read("nonblocking", slave, 10);
  type("yes");
  waiting(slave);
  show_read("no line yet", slave, 10);
  type("\n");
  RESULT(events(slave, POLLIN, 1000));
  show_read("line", slave, 10);
  fcntl(slave, F_SETFL, 0);
  show_all("echo", master);
  /* A line that is too long. */
  memset(text, 'l', sizeof text);
  change(ECHO, 0);
  for (int i = 0; i < 5; ++i) {
    NEED(write(master, text, 1000) == 1000);
    waiting(slave);
  }
  type("\nafter\n");
  const long length = read(slave, text, sizeof text);
  RESULT(length);
  RESULT(text[length - 1]);
  show_read("after", slave, 100);
  /* Lines become bytes, and bytes a line. */
  type("one\ntwo\004\nthree");
  RESULT(waiting(slave));
  change(ICANON, 0);
  RESULT(waiting(slave));
  show_read("bytes", slave, 6);
  change(0, ICANON);
  RESULT(waiting(slave));
  show_read("line", slave, 100);
  type("forgotten\n");
  waiting(slave);
  RESULT(tcflush(slave, TCIFLUSH));
  RESULT(waiting(slave));
  type("remembered\n");
  show_read("flushed", slave, 100);
  close_pair();
}

static void editing(void) {
  open_pair();
  type("abd\177c\n");
  show_read("erased", slave, 100);
  show_all("echo", master);
  type("one two  \027three\n");
  show_read("word", slave, 100);
  show_all("echo", master);
  type("one.two\027\027x\n");
  show_read("words", slave, 100);
  show_all("echo", master);
  type("all of it\025none\n");
  show_read("line", slave, 100);
  show_all("echo", master);
  type("a\tb\001\177\177\177\177\177c\n");
  show_read("tab and control", slave, 100);
  show_all("echo", master);
  NEED(write(slave, "12345", 5) == 5);
  type("x\t\t\177\177y\n");
  show_read("tabs", slave, 100);
  show_all("echo", master);
  type("lit\026\003eral\026\n\n");
  show_read("literal", slave, 100);
  show_all("echo", master);
  type("again\001\022\n");
  show_read("reprint", slave, 100);
  show_all("echo", master);
  change_input(0, IUTF8);
  type("\303\244\303\266\177\n");
  show_read("utf-8", slave, 100);
  show_all("echo", master);
  change_input(IUTF8, 0);
  change(ECHOE, 0);
  type("ab\177\177\177c\n");
  show_read("no erasing", slave, 100);
  show_all("echo", master);
  change(ECHOKE, ECHOE);
  type("kill\025ed\n");
  show_read("kill", slave, 100);
  show_all("echo", master);
  change(ECHOK, 0);
  type("kill\025ed\n");
  show_read("kill", slave, 100);
  show_all("echo", master);
  change(ECHOCTL, 0);
  type("\001\002\177\n");
  show_read("controls as they are", slave, 100);
  show_all("echo", master);
  change(ECHO, ECHONL);
  type("sec\177ret\n");
  show_read("secret", slave, 100);
  show_all("echo", master);
  change(ECHONL, 0);
  type("quiet\n");
  show_read("quiet", slave, 100);
  show_all("echo", master);
  change(IEXTEN, ECHO);
  type("a b\027\026\022\n");
  show_read("not extended", slave, 100);
  show_all("echo", master);
  struct termios t = settings();
  t.c_cc[VEOL] = ';', t.c_cc[VEOL2] = ',', t.c_cc[VERASE] = _POSIX_VDISABLE;
  t.c_lflag |= IEXTEN | ECHOCTL;
  NEED(tcsetattr(slave, TCSANOW, &t) == 0);
  type("a;b,c\177\n");
  show_read("other ends", slave, 100);
  show_read("other ends", slave, 100);
  show_read("other ends", slave, 100);
  show_all("echo", master);
  close_pair();
}

static void translation(void) {
  open_pair();
  change(ECHO, 0);
  change_input(ICRNL, INLCR);
  type("a\rb\nc");
  change(ICANON, 0);
  RESULT(waiting(slave));
  show_read("INLCR", slave, 100);
  change_input(INLCR, IGNCR);
  type("a\rb\n");
  RESULT(waiting(slave));
  show_read("IGNCR", slave, 100);
  change_input(IGNCR, ISTRIP | IUCLC);
  type("A\301B");
  RESULT(waiting(slave));
  show_read("ISTRIP IUCLC", slave, 100);
  change_input(ISTRIP | IUCLC, PARMRK);
  type("\377x");
  RESULT(waiting(slave));
  show_read("PARMRK", slave, 100);
  const char text[] = "a\nb\r\tc\td\b\te";
  RESULT(write(slave, text, sizeof text - 1));
  show_all("OPOST ONLCR", master);
  change_output(ONLCR, OCRNL);
  RESULT(write(slave, text, sizeof text - 1));
  show_all("OCRNL", master);
  change_output(OCRNL, ONOCR | XTABS | OLCUC);
  RESULT(write(slave, "\r", 1));
  RESULT(write(slave, text, sizeof text - 1));
  show_all("ONOCR XTABS OLCUC", master);
  change_output(ONOCR, ONLRET);
  RESULT(write(slave, text, sizeof text - 1));
  show_all("ONLRET XTABS OLCUC", master);
  change_output(OPOST, 0);
  RESULT(write(slave, text, sizeof text - 1));
  show_all("as it is", master);
  close_pair();
}

static void* type_later(void* text) {
  usleep(50000);
  type(text);
  return NULL;
}

static void raw_reads(void) {
  open_pair();
  raw(1, 0);
  type("\003\004\r\n\177");
  RESULT(waiting(slave));
  show_read("raw", slave, 100);
  RESULT(events(master, POLLIN, 50));
  raw(3, 0);
  type("ab");
  RESULT(waiting(slave));
  RESULT(events(slave, POLLIN, 50));
  pthread_t thread;
  NEED(pthread_create(&thread, NULL, type_later, "cd") == 0);
  show_read("three", slave, 100);
  pthread_join(thread, NULL);
  type("ef");
  show_read("two of three", slave, 2);
  raw(0, 0);
  show_read("none", slave, 100);
  type("g");
  RESULT(waiting(slave));
  show_read("one", slave, 100);
  raw(0, 1);
  show_read("a tenth", slave, 100);
  /* Far longer than it takes. */
  raw(0, 100);
  NEED(pthread_create(&thread, NULL, type_later, "h") == 0);
  show_read("in time", slave, 100);
  pthread_join(thread, NULL);
  raw(10, 1);
  NEED(pthread_create(&thread, NULL, type_later, "ij") == 0);
  show_read("then no more", slave, 100);
  pthread_join(thread, NULL);
  NEED(fcntl(slave, F_SETFL, O_NONBLOCK) == 0);
  show_read("nonblocking", slave, 100);
  raw(0, 0);
  show_read("nonblocking, none wanted", slave, 100);
  fcntl(slave, F_SETFL, 0);
  /* Much of it, both ways. */
  raw(1, 0);
  static char text[200000];
  long sum = 0, total = 0;
  NEED(fcntl(master, F_SETFL, O_NONBLOCK) == 0);
  for (long sent = 0; total < 100000;) {
    for (int i = 0; i < 1000; ++i) text[i] = (char)(sent + i);
    const long count = sent < 100000 ? write(master, text, 1000) : 0;
    if (count > 0) sent += count;
    const long got = (events(slave, POLLIN, 1000) & POLLIN) != 0 ? read(slave, text, 700) : -1;
    NEED(got > 0);
    for (long i = 0; i < got; ++i) sum += (unsigned char)text[i] ^ (unsigned char)(total + i);
    total += got;
  }
  printf("wrong %ld\n", sum);
  long count;
  while ((count = write(master, text, 1000)) > 0) {
  }
  report_result("no more room", count);
  tcflush(slave, TCIFLUSH);
  NEED(fcntl(slave, F_SETFL, O_NONBLOCK) == 0);
  while ((count = write(slave, text, 1000)) > 0) {
  }
  report_result("no more room", count);
  while (read(master, text, sizeof text) > 0) {
  }
  RESULT(events(slave, POLLOUT, 1000));
  close_pair();
}

static void flow(void) {
  open_pair();
  change(ECHO, 0);
  NEED(fcntl(slave, F_SETFL, O_NONBLOCK) == 0);
  type("\023");
  waiting(slave);
  RESULT(write(slave, "stopped", 7));
  RESULT(events(slave, POLLOUT, 0));
  type("\021");
  RESULT(events(slave, POLLOUT, 1000));
  RESULT(write(slave, "started", 7));
  show_all("out", master);
  RESULT(tcflow(slave, TCOOFF));
  type("\021");
  waiting(slave);
  RESULT(write(slave, "stopped", 7));
  RESULT(tcflow(slave, TCOON));
  RESULT(write(slave, "started", 7));
  show_all("out", master);
  RESULT(tcflow(slave, TCIOFF));
  RESULT(tcflow(slave, TCION));
  show_all("stop and start", master);
  change(0, ECHO);
  type("\023shown later\n");
  RESULT(events(master, POLLIN, 50));
  type("\021");
  show_all("echo", master);
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

static volatile sig_atomic_t signals[64];
static void count_signal(int signal) { ++signals[signal]; }

/* In a session of its own: the slave is descriptor 3, the master 4. */
static int session(void) {
  slave = 3, master = 4;
  RESULT(open("/dev/tty", O_RDWR));
  RESULT(tcgetpgrp(slave));
  RESULT(tcgetsid(slave));
  FLAG(getsid(0) == getpid());
  char name[64];
  NEED(ttyname_r(slave, name, sizeof name) == 0);
  const int first = open(name, O_RDWR | O_NOCTTY);
  RESULT(open("/dev/tty", O_RDWR));
  close(first);
  RESULT(ioctl(slave, TIOCSCTTY, 0));
  RESULT(ioctl(slave, TIOCSCTTY, 0));
  const int tty = open("/dev/tty", O_RDWR);
  FLAG(tty >= 0);
  struct stat s;
  NEED(fstat(tty, &s) == 0);
  printf("/dev/tty %d:%d\n", major(s.st_rdev), minor(s.st_rdev));
  FLAG(tcgetpgrp(tty) == getpid());
  FLAG(tcgetpgrp(master) == getpid());
  FLAG(tcgetsid(slave) == getpid());
  FLAG(tcgetsid(master) == getpid());
  struct stat node;
  int terminal = -1, front = -1;
  FILE* const about = fopen("/proc/self/stat", "r");
  NEED(about != NULL && fstat(slave, &node) == 0);
  NEED(fscanf(about, "%*d (%*[^)]) %*c %*d %*d %*d %d %d", &terminal, &front) == 2);
  fclose(about);
  FLAG((unsigned)terminal == node.st_rdev && front == getpid());
  RESULT(tcsetpgrp(slave, -1));
  RESULT(tcsetpgrp(slave, 1 << 20));
  RESULT(tcsetpgrp(slave, getpgrp()));

  /* Signals from the keyboard. */
  const int numbers[] = {SIGINT, SIGQUIT, SIGTSTP, SIGWINCH, SIGHUP, SIGCONT, SIGTTIN, SIGTTOU};
  for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; ++i) {
    struct sigaction action = {.sa_handler = count_signal};
    NEED(sigaction(numbers[i], &action, NULL) == 0);
  }
  type("dropped\003");
  while (signals[SIGINT] == 0) usleep(1000);
  RESULT(waiting(slave));
  type("\034\032");
  while (signals[SIGTSTP] == 0) usleep(1000);
  RESULT(signals[SIGQUIT]);
  show_all("echo", master);
  change(0, NOFLSH);
  type("kept\003\n");
  while (signals[SIGINT] == 1) usleep(1000);
  show_read("kept", slave, 100);
  change(NOFLSH, 0);
  struct winsize size = {30, 90, 0, 0};
  NEED(ioctl(master, TIOCSWINSZ, &size) == 0 && ioctl(master, TIOCSWINSZ, &size) == 0);
  RESULT(signals[SIGWINCH]);
  RESULT(ioctl(master, TIOCSIG, SIGINT));
  RESULT(signals[SIGINT]);
  change(ISIG, 0);
  type("\003\n");
  show_read("no signal", slave, 100);
  RESULT(signals[SIGINT]);
  show_all("echo", master);
  change(0, ISIG);

  /* A child in the background. */
  char* const arguments[] = {"terminals", "background", NULL};
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF);
  sigset_t set;
  sigfillset(&set);
  posix_spawnattr_setsigdefault(&attributes, &set);
  posix_spawnattr_setpgroup(&attributes, 0);
  pid_t child;
  NEED(posix_spawn(&child, self, NULL, &attributes, arguments, environ) == 0);
  int status;
  NEED(waitpid(child, &status, 0) == child);
  printf("background %x\n", status);
  show_all("its output", master);
  RESULT(ioctl(slave, TIOCNOTTY));
  RESULT(signals[SIGHUP]);
  RESULT(signals[SIGCONT]);
  RESULT(open("/dev/tty", O_RDWR));
  RESULT(ioctl(slave, TIOCNOTTY));
  RESULT(tcgetpgrp(slave));
  /* Opening it is enough for a leader without one. */
  const int again = open(name, O_RDWR);
  FLAG(again >= 0 && tcgetsid(again) == getpid());
  close(again);
  /* The other end goes. */
  close(master);
  RESULT(signals[SIGHUP]);
  RESULT(signals[SIGCONT]);
  RESULT(open("/dev/tty", O_RDWR));
  show_read("hung up", slave, 10);
  return 5;
}

static int background(void) {
  slave = 3, master = 4;
  RESULT(write(slave, "allowed\n", 8));
  signal(SIGTTIN, SIG_IGN);
  show_read("ignored", slave, 10);
  struct sigaction action = {.sa_handler = count_signal};
  NEED(sigaction(SIGTTIN, &action, NULL) == 0 && sigaction(SIGTTOU, &action, NULL) == 0);
  show_read("background", slave, 10);
  RESULT(signals[SIGTTIN]);
  struct termios t = settings();
  RESULT(tcsetattr(slave, TCSANOW, &t));
  RESULT(tcsetpgrp(slave, getpgrp()));
  RESULT(signals[SIGTTOU]);
  t.c_lflag |= TOSTOP;
  RESULT(tcsetattr(master, TCSANOW, &t));
  RESULT(tcflush(master, TCIFLUSH));
  RESULT(tcflush(slave, TCIFLUSH));
  signal(SIGTTOU, SIG_IGN);
  RESULT(tcsetattr(master, TCSANOW, &t));
  NEED(sigaction(SIGTTOU, &action, NULL) == 0);
  RESULT(write(slave, "forbidden\n", 10));
  signal(SIGTTOU, SIG_IGN);
  RESULT(write(slave, "ignored\n", 8));
  RESULT(tcsetpgrp(slave, getpgrp()));
  type("mine\n");
  show_read("foreground", slave, 10);
  RESULT(tcsetpgrp(slave, getppid()));
  t.c_lflag &= ~(tcflag_t)TOSTOP;
  NEED(tcsetattr(slave, TCSANOW, &t) == 0);
  return 6;
}

static void sessions(void) {
  open_pair();
  NEED(slave != 3 && dup2(master, 40) == 40 && dup2(slave, 41) == 41);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, 41, 3);
  posix_spawn_file_actions_adddup2(&actions, 40, 4);
  posix_spawn_file_actions_addclosefrom_np(&actions, 5);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
  char* const arguments[] = {"terminals", "session", NULL};
  pid_t child;
  NEED(posix_spawn(&child, self, &actions, &attributes, arguments, environ) == 0);
  close(master), close(40), close(slave), close(41);
  int status;
  NEED(waitpid(child, &status, 0) == child);
  printf("session %x\n", status);
}

int main(int count, char** arguments) {
  NEED(readlink("/proc/self/exe", self, 200) > 0);
  alarm(50);
  if (count > 1) return strcmp(arguments[1], "session") == 0 ? session() : background();
  /* So that the pairs' descriptors are not those that the child expects. */
  NEED(open("/dev/null", O_RDONLY) >= 0);
  names();
  all_settings();
  lines();
  editing();
  translation();
  raw_reads();
  flow();
  ends();
  sessions();
  return 0;
}
