/* When a sender of datagrams may go on: whom a full receiver refuses, what poll and epoll say about
 * the sender meanwhile, and what wakes it. */
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "report.h"

static struct sockaddr_un address(const char* path) {
  struct sockaddr_un a = {.sun_family = AF_UNIX};
  strcpy(a.sun_path, path);
  return a;
}
#define ADDRESS(a) (struct sockaddr*)&(a), sizeof(a)

static char bytes[1000];

static int receiver(const char* path) {
  const int made = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  struct sockaddr_un name = address(path);
  unlink(path);
  NEED(made >= 0 && bind(made, ADDRESS(name)) == 0);
  return made;
}

static int sender(const char* path) {
  const int made = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  struct sockaddr_un name = address(path);
  NEED(made >= 0 && connect(made, ADDRESS(name)) == 0);
  return made;
}

static int sent_until_full(int socket) {
  int count = 0;
  while (send(socket, bytes, 100, MSG_NOSIGNAL) == 100) ++count;
  return errno == EAGAIN ? count : -1;
}

static void report_events(const char* when, int descriptor) {
  struct pollfd p = {.fd = descriptor, .events = POLLIN | POLLOUT | POLLRDHUP};
  poll(&p, 1, 0);
  printf("%s: %#x\n", when, p.revents);
}

/* A thread that waits until a socket can be written, or for room in a send that waits. */
struct Waiter {
  pthread_t thread;
  int socket, by_sending, result, events;
};

static void* wait_for_room(void* argument) {
  struct Waiter* const self = argument;
  if (self->by_sending) {
    fcntl(self->socket, F_SETFL, 0);
    self->result = (int)send(self->socket, "waited", 6, MSG_NOSIGNAL);
    if (self->result < 0) self->events = errno;
    fcntl(self->socket, F_SETFL, O_NONBLOCK);
    return NULL;
  }
  struct pollfd p = {.fd = self->socket, .events = POLLOUT};
  self->result = poll(&p, 1, 3000);
  self->events = p.revents;
  return NULL;
}

static void start(struct Waiter* waiter, int socket, int by_sending) {
  *waiter = (struct Waiter){.socket = socket, .by_sending = by_sending};
  pthread_create(&waiter->thread, NULL, wait_for_room, waiter);
  usleep(20000);
}

static long now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* A poll that ends for its time-out alone looks once more, and finds room that nobody told of. */
static void finish(const char* after, struct Waiter* waiter) {
  const long before = now();
  pthread_join(waiter->thread, NULL);
  if (now() - before > 2000) printf("%s: late\n", after);
  printf("%s: %s gave %d, %#x\n", after, waiter->by_sending ? "send" : "poll", waiter->result,
         waiter->events);
}

static int edges(int epoll) {
  struct epoll_event event;
  return epoll_wait(epoll, &event, 1, 0) == 1 ? (int)event.events : 0;
}

static void pairs(void) {
  int pair[2];
  for (int type = SOCK_DGRAM; type != 0; type = type == SOCK_DGRAM ? SOCK_SEQPACKET : 0) {
    NEED(socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, pair) == 0);
    const int smallest = 4608;
    NEED(setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &smallest, sizeof smallest) == 0);
    FLAG(sent_until_full(pair[0]) > 3);
    report_events("a full pair", pair[0]);
    report_events("its other end", pair[1]);
    struct Waiter waiter;
    start(&waiter, pair[0], 0);
    while (recv(pair[1], bytes, 100, 0) > 0) {
    }
    finish("read all", &waiter);
    sent_until_full(pair[0]);
    start(&waiter, pair[0], 0);
    const int larger = 200000;
    NEED(setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &larger, sizeof larger) == 0);
    finish("a larger buffer", &waiter);
    close(pair[0]);
    close(pair[1]);
  }
}

static void many_to_one(void) {
  const int to = receiver("one"), first = sender("one"), second = sender("one");
  report_result("sent", sent_until_full(first));
  report_events("who filled it", first);
  report_events("who sent nothing", second);
  RESULT(send(second, "x", 1, 0));
  struct Waiter one, two;
  start(&one, first, 0);
  start(&two, second, 0);
  RESULT(recv(to, bytes, 100, 0));
  finish("read one", &one);
  finish("read one", &two);
  RESULT(send(second, "x", 1, 0));
  RESULT(send(first, "x", 1, 0));
  start(&two, second, 1);
  RESULT(recv(to, bytes, 100, 0));
  finish("read one", &two);

  /* Without a connection a sender learns of no room. */
  const int stranger = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  struct sockaddr_un name = address("one");
  RESULT(sendto(stranger, "x", 1, 0, ADDRESS(name)));
  report_events("a stranger", stranger);

  start(&two, second, 0);
  const struct sockaddr none = {.sa_family = AF_UNSPEC};
  RESULT(connect(second, &none, sizeof none));
  finish("disconnected", &two);
  RESULT(connect(second, ADDRESS(name)));
  report_events("connected again", second);
  start(&two, second, 0);
  const int other = receiver("other");
  struct sockaddr_un other_name = address("other");
  RESULT(connect(second, ADDRESS(other_name)));
  finish("connected elsewhere", &two);
  RESULT(connect(second, ADDRESS(name)));

  start(&one, first, 0);
  start(&two, second, 1);
  RESULT(close(to));
  finish("closed", &one);
  finish("closed", &two);
  RESULT(send(first, "x", 1, MSG_NOSIGNAL));
  RESULT(send(first, "x", 1, MSG_NOSIGNAL));
  close(other);
  close(stranger);
  close(first);
  close(second);
}

static void shut_receiver(void) {
  const int to = receiver("shut"), from = sender("shut");
  report_result("sent", sent_until_full(from));
  RESULT(shutdown(to, SHUT_RD));
  report_events("after shutting down", from);
  RESULT(send(from, "x", 1, MSG_NOSIGNAL));
  close(to);
  close(from);
}

static void choosing_receiver(void) {
  const int to = receiver("choosing"), first = sender("choosing"), second = sender("choosing");
  struct sockaddr_un name = address("chosen");
  unlink("chosen");
  NEED(bind(first, ADDRESS(name)) == 0);
  report_result("sent", sent_until_full(first));
  RESULT(connect(to, ADDRESS(name)));
  report_events("who was chosen", first);
  report_events("who was not", second);
  RESULT(send(first, "x", 1, 0));
  RESULT(send(second, "x", 1, 0));
  RESULT(sendto(second, "x", 1, 0, ADDRESS(name)));
  close(to);
  close(first);
  close(second);
}

static int error_of(int socket) {
  int error = -1;
  socklen_t length = sizeof error;
  getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &length);
  return error;
}

static void changing_peers(void) {
  const int one = receiver("first"), two = receiver("second"), three = receiver("third");
  struct sockaddr_un first = address("first"), second = address("second"), third = address("third");
  RESULT(connect(one, ADDRESS(second)));
  RESULT(connect(two, ADDRESS(first)));
  RESULT(connect(three, ADDRESS(first)));
  RESULT(send(one, "lost", 4, 0));
  RESULT(send(one, "lost", 4, 0));
  RESULT(send(two, "kept", 4, 0));
  struct Waiter waiter;
  start(&waiter, one, 0);
  finish("with room", &waiter);
  RESULT(connect(two, ADDRESS(third)));
  report_events("its old peer", one);
  report_events("who turned away", two);
  RESULT(recv(one, bytes, 100, 0));
  RESULT(recv(one, bytes, 100, 0));
  RESULT(recv(two, bytes, 100, 0));
  RESULT(send(one, "x", 1, 0));
  RESULT(connect(two, ADDRESS(first)));
  RESULT(send(one, "x", 1, 0));
  RESULT(connect(two, ADDRESS(first)));
  RESULT(recv(two, bytes, 100, 0));
  RESULT(send(one, "x", 1, 0));
  const struct sockaddr none = {.sa_family = AF_UNSPEC};
  RESULT(connect(two, &none, sizeof none));
  report_result("error", error_of(one));
  RESULT(send(two, "x", 1, 0));
  RESULT(send(three, "x", 1, 0));
  RESULT(connect(two, ADDRESS(first)));
  RESULT(send(one, "x", 1, 0));
  RESULT(close(two));
  report_events("its peer is closed", one);
  RESULT(send(one, "x", 1, 0));
  report_result("error", error_of(one));
  close(one);
  close(three);

  int pair[2];
  NEED(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair) == 0);
  RESULT(send(pair[0], "unread", 6, 0));
  RESULT(send(pair[1], "there", 5, 0));
  RESULT(close(pair[1]));
  report_events("closed with packets", pair[0]);
  RESULT(recv(pair[0], bytes, 100, 0));
  RESULT(recv(pair[0], bytes, 100, 0));
  RESULT(send(pair[0], "x", 1, MSG_NOSIGNAL));
  close(pair[0]);
}

static void edge_triggered(void) {
  const int to = receiver("edge"), first = sender("edge"), second = sender("edge");
  const int epoll = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLOUT | EPOLLET};
  NEED(epoll_ctl(epoll, EPOLL_CTL_ADD, second, &event) == 0);
  printf("at first %#x\n", edges(epoll));
  printf("again %#x\n", edges(epoll));
  report_result("sent", sent_until_full(first));
  printf("full %#x\n", edges(epoll));
  /* Only who was refused is told. */
  RESULT(send(second, "x", 1, 0));
  printf("refused %#x\n", edges(epoll));
  RESULT(recv(to, bytes, 100, 0));
  printf("read one %#x\n", edges(epoll));
  printf("again %#x\n", edges(epoll));
  report_result("sent", sent_until_full(second));
  while (recv(to, bytes, 100, 0) > 0) {
  }
  printf("read all %#x\n", edges(epoll));
  printf("again %#x\n", edges(epoll));
  report_result("sent", sent_until_full(second));
  close(to);
  printf("closed %#x\n", edges(epoll));
  close(second);
  close(first);
  close(epoll);
}

static void internet(void) {
  const int to = socket(AF_INET, SOCK_DGRAM, 0),
            from = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof name;
  const int smallest = 4608;
  NEED(bind(to, ADDRESS(name)) == 0 && getsockname(to, (struct sockaddr*)&name, &length) == 0);
  NEED(setsockopt(from, SOL_SOCKET, SO_SNDBUF, &smallest, sizeof smallest) == 0);
  NEED(connect(from, ADDRESS(name)) == 0);
  int sent = 0;
  for (int i = 0; i < 1000; ++i) sent += send(from, bytes, sizeof bytes, 0) == sizeof bytes;
  report_result("sent over the loopback", sent);
  report_events("its sender", from);
  close(from);
  close(to);
}

int main(void) {
  char folder[] = "datagrams-XXXXXX";
  NEED(mkdtemp(folder) != NULL && chdir(folder) == 0);
  pairs();
  many_to_one();
  shut_receiver();
  choosing_receiver();
  changing_peers();
  edge_triggered();
  internet();
  return 0;
}
