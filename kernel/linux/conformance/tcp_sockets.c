/* TCP over the loopback interface: names, connecting, listening, accepting, what each state
 * refuses. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "report.h"

static struct sockaddr_in at(const char* host, int port) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  inet_pton(AF_INET, host, &a.sin_addr);
  return a;
}
#define ADDRESS(a) (struct sockaddr*)&(a), sizeof(a)

static int port_of(int socket) {
  struct sockaddr_in a;
  socklen_t length = sizeof a;
  return getsockname(socket, (struct sockaddr*)&a, &length) == 0 ? ntohs(a.sin_port) : -1;
}

static int events(int descriptor) {
  struct pollfd p = {.fd = descriptor, .events = POLLIN | POLLOUT | POLLRDHUP};
  poll(&p, 1, 0);
  return p.revents;
}
/* The same once something happened, or after a second. */
static int events_of(int descriptor, short wanted) {
  struct pollfd p = {.fd = descriptor, .events = wanted};
  poll(&p, 1, 1000);
  return events(descriptor);
}
static int pending_error(int socket) {
  int error = -1;
  socklen_t length = sizeof error;
  return getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &length) == 0 ? error : -1;
}

int main(void) {
  signal(SIGPIPE, SIG_IGN);
  char buffer[1000];
  struct sockaddr_in loopback = at("127.0.0.1", 0), elsewhere = at("203.0.113.1", 0), peer;
  socklen_t length = sizeof peer;

  /* A new socket. */
  const int fresh = socket(AF_INET, SOCK_STREAM, 0);
  FLAG(fresh >= 0);
  RESULT(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP));
  report_result("events", events(fresh));
  RESULT(recv(fresh, buffer, 10, 0));
  RESULT(send(fresh, "x", 1, 0));
  RESULT(shutdown(fresh, SHUT_RDWR));
  RESULT(getpeername(fresh, (struct sockaddr*)&peer, &length));
  RESULT(port_of(fresh));
  RESULT(accept(fresh, NULL, NULL));
  RESULT(bind(fresh, ADDRESS(elsewhere)));
  RESULT(bind(fresh, (struct sockaddr*)&loopback, 4));
  RESULT(close(fresh));

  /* Listening. */
  const int server = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  RESULT(bind(server, ADDRESS(loopback)));
  RESULT(bind(server, ADDRESS(loopback)));
  RESULT(listen(server, 5));
  RESULT(listen(server, 6));
  struct sockaddr_in to = at("127.0.0.1", port_of(server));
  FLAG(port_of(server) > 1023);
  report_result("events", events(server));
  RESULT(accept(server, NULL, NULL));
  RESULT(connect(server, ADDRESS(to)));
  RESULT(recv(server, buffer, 10, 0));
  RESULT(send(server, "x", 1, 0));
  int number = -1;
  length = sizeof number;
  RESULT(getsockopt(server, SOL_SOCKET, SO_ACCEPTCONN, &number, &length));
  report_result("accepting", number);
  RESULT(ioctl(server, FIONREAD, &number));
  const int twin = socket(AF_INET, SOCK_STREAM, 0);
  RESULT(bind(twin, ADDRESS(to)));
  const int yes = 1;
  RESULT(setsockopt(twin, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes));
  RESULT(bind(twin, ADDRESS(to)));
  RESULT(close(twin));

  /* Connecting. */
  const int client = socket(AF_INET, SOCK_STREAM, 0);
  RESULT(connect(client, (struct sockaddr*)&to, 5));
  RESULT(connect(client, ADDRESS(to)));
  RESULT(connect(client, ADDRESS(to)));
  FLAG(port_of(client) > 1023 && port_of(client) != port_of(server));
  length = sizeof peer;
  RESULT(getpeername(client, (struct sockaddr*)&peer, &length));
  FLAG(peer.sin_port == to.sin_port && peer.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
  report_result("server", events_of(server, POLLIN));
  report_result("client", events(client));
  length = sizeof peer;
  const int accepted = accept4(server, (struct sockaddr*)&peer, &length, SOCK_CLOEXEC);
  FLAG(accepted >= 0);
  FLAG(ntohs(peer.sin_port) == port_of(client) && length == 16);
  RESULT(fcntl(accepted, F_GETFD));
  RESULT(fcntl(accepted, F_GETFL) & O_NONBLOCK);
  FLAG(port_of(accepted) == port_of(server));
  report_result("accepted", events(accepted));
  RESULT(accept(server, NULL, NULL));
  RESULT(bind(client, ADDRESS(loopback)));
  RESULT(listen(client, 5));

  /* Bytes. */
  RESULT(send(client, "hello", 5, 0));
  report_result("accepted", events_of(accepted, POLLIN));
  RESULT(ioctl(accepted, FIONREAD, &number));
  report_result("readable", number);
  RESULT(recv(accepted, buffer, 3, MSG_PEEK));
  RESULT(recv(accepted, buffer, 100, 0));
  FLAG(memcmp(buffer, "hello", 5) == 0);
  RESULT(recv(accepted, buffer, 100, MSG_DONTWAIT));
  RESULT(send(client, "thrown away", 11, 0));
  events_of(accepted, POLLIN);
  RESULT(recv(accepted, NULL, 6, MSG_TRUNC));
  RESULT(recv(accepted, buffer, 100, 0));
  RESULT(send(client, NULL, 0, 0));
  RESULT(send(client, (void*)8, 10, 0));
  RESULT(recv(accepted, buffer, 10, MSG_OOB));
  RESULT(sendto(client, "named", 5, 0, ADDRESS(to)));
  events_of(accepted, POLLIN);
  length = sizeof peer;
  RESULT(recvfrom(accepted, buffer, 100, 0, (struct sockaddr*)&peer, &length));
  report_result("length", (int)length);
  RESULT(send(client, "wild", 4, 0));
  events_of(accepted, POLLIN);
  RESULT(recv(accepted, (void*)8, 10, 0));
  RESULT(recv(accepted, buffer, 10, 0));

  /* Half closed, and closed. */
  RESULT(shutdown(client, SHUT_WR));
  RESULT(send(client, "x", 1, 0));
  report_result("accepted", events_of(accepted, POLLRDHUP));
  report_result("client", events(client));
  RESULT(recv(accepted, buffer, 10, 0));
  RESULT(send(accepted, "back", 4, 0));
  events_of(client, POLLIN);
  RESULT(recv(client, buffer, 10, 0));
  RESULT(shutdown(accepted, SHUT_WR));
  report_result("client", events_of(client, POLLRDHUP));
  RESULT(recv(client, buffer, 10, 0));
  RESULT(send(client, "x", 1, MSG_NOSIGNAL));
  RESULT(close(accepted));
  RESULT(close(client));

  /* Reset: the peer closes with bytes unread. */
  const int second = socket(AF_INET, SOCK_STREAM, 0);
  RESULT(connect(second, ADDRESS(to)));
  events_of(server, POLLIN);
  const int reader = accept(server, NULL, NULL);
  RESULT(send(second, "unread", 6, 0));
  events_of(reader, POLLIN);
  RESULT(close(reader));
  report_result("second", events_of(second, POLLIN));
  RESULT(recv(second, buffer, 10, 0));
  RESULT(recv(second, buffer, 10, 0));
  RESULT(send(second, "x", 1, 0));
  report_result("second", events(second));
  RESULT(getpeername(second, (struct sockaddr*)&peer, &length));
  RESULT(shutdown(second, SHUT_RDWR));
  RESULT(close(second));

  /* Reset by choice. */
  const int third = socket(AF_INET, SOCK_STREAM, 0);
  RESULT(connect(third, ADDRESS(to)));
  events_of(server, POLLIN);
  const int aborted = accept(server, NULL, NULL);
  const struct linger now = {1, 0};
  RESULT(setsockopt(third, SOL_SOCKET, SO_LINGER, &now, sizeof now));
  RESULT(close(third));
  report_result("aborted", events_of(aborted, POLLIN));
  report_result("error", pending_error(aborted));
  RESULT(recv(aborted, buffer, 10, 0));
  RESULT(send(aborted, "x", 1, 0));
  RESULT(close(aborted));

  /* Where nobody listens. */
  const int refused = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in closed = at("127.0.0.1", 1);
  RESULT(connect(refused, ADDRESS(closed)));
  report_result("error", pending_error(refused));
  RESULT(connect(refused, ADDRESS(to)));
  RESULT(close(refused));
  const int patient = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  const int started = connect(patient, ADDRESS(closed));
  FLAG(started == -1 && (errno == EINPROGRESS || errno == ECONNREFUSED));
  report_result("patient", events_of(patient, POLLOUT));
  report_result("error", pending_error(patient));
  report_result("error", pending_error(patient));
  RESULT(close(patient));
  const int quick = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  FLAG(connect(quick, ADDRESS(to)) == -1 && errno == EINPROGRESS);
  report_result("quick", events_of(quick, POLLOUT));
  report_result("error", pending_error(quick));
  RESULT(connect(quick, ADDRESS(to)));
  RESULT(connect(quick, ADDRESS(to)));
  struct sockaddr none = {.sa_family = AF_UNSPEC};
  RESULT(connect(quick, &none, sizeof none));
  RESULT(getpeername(quick, (struct sockaddr*)&peer, &length));
  RESULT(close(quick));
  const int lost = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in group = at("224.0.0.1", 9);
  RESULT(connect(lost, ADDRESS(group)));
  RESULT(close(lost));

  /* A listener that ends. */
  RESULT(shutdown(server, SHUT_RD));
  RESULT(accept(server, NULL, NULL));
  const int late = socket(AF_INET, SOCK_STREAM, 0);
  RESULT(connect(late, ADDRESS(to)));
  RESULT(close(late));
  RESULT(close(server));
  return 0;
}
