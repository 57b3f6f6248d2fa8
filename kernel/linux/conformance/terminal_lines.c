/* Terminals: lines and their editing, echo, translation of characters, raw reads, flow control. */
#include <fcntl.h>
#include <pthread.h>

#include "terminal_pair.h"

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

int main(void) {
  alarm(50);
  lines();
  editing();
  translation();
  raw_reads();
  flow();
  return 0;
}
