/* UDP over the loopback interface: ports, connecting, options, errors that come back. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
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
  struct pollfd p = {.fd = descriptor, .events = POLLIN | POLLOUT};
  poll(&p, 1, 0);
  return p.revents;
}

int main(void) {
  char buffer[70000];
  memset(buffer, 'u', sizeof buffer);
  struct sockaddr_in loopback = at("127.0.0.1", 0), any = at("0.0.0.0", 0),
                     elsewhere = at("203.0.113.1", 0);
  struct sockaddr_in from;
  socklen_t length = sizeof from;

  const int server = socket(AF_INET, SOCK_DGRAM, 0),
            client = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, IPPROTO_UDP);
  FLAG(server >= 0 && client >= 0);
  RESULT(socket(AF_INET, SOCK_DGRAM, IPPROTO_TCP));
  RESULT(port_of(server));
  RESULT(bind(server, ADDRESS(elsewhere)));
  RESULT(bind(server, (struct sockaddr*)&loopback, 4));
  RESULT(bind(server, ADDRESS(loopback)));
  RESULT(bind(server, ADDRESS(loopback)));
  FLAG(port_of(server) > 1023);
  struct sockaddr_in to = at("127.0.0.1", port_of(server));
  const int twin = socket(AF_INET, SOCK_DGRAM, 0);
  RESULT(bind(twin, ADDRESS(to)));
  any.sin_port = to.sin_port;
  RESULT(bind(twin, ADDRESS(any)));

  RESULT(recv(client, buffer, 100, 0));
  RESULT(send(client, "x", 1, 0));
  RESULT(getpeername(client, (struct sockaddr*)&from, &length));
  RESULT(sendto(client, "hello", 5, 0, ADDRESS(to)));
  FLAG(port_of(client) > 1023);
  report_result("events", events(server));
  int available = 0;
  RESULT(ioctl(server, FIONREAD, &available));
  report_result("available", available);
  RESULT(recvfrom(server, buffer, 100, MSG_PEEK, NULL, NULL));
  length = sizeof from;
  RESULT(recvfrom(server, buffer, 100, 0, (struct sockaddr*)&from, &length));
  FLAG(ntohs(from.sin_port) == port_of(client) && from.sin_addr.s_addr == htonl(INADDR_LOOPBACK) &&
       length == 16);
  RESULT(sendto(server, "", 0, 0, ADDRESS(from)));
  RESULT(recv(client, buffer, 100, 0));
  RESULT(sendto(client, "truncated", 9, 0, ADDRESS(to)));
  RESULT(recv(server, buffer, 4, MSG_TRUNC));
  RESULT(recv(server, buffer, 4, MSG_DONTWAIT));
  RESULT(sendto(client, buffer, 65507, 0, ADDRESS(to)));
  RESULT(recv(server, buffer, sizeof buffer, 0));
  RESULT(sendto(client, buffer, 65508, 0, ADDRESS(to)));
  RESULT(sendto(client, "x", 1, 0, (struct sockaddr*)&to, 5));
  to.sin_family = 77;
  RESULT(sendto(client, "x", 1, 0, ADDRESS(to)));
  to.sin_family = AF_INET;
  struct sockaddr_in zero = at("127.0.0.1", 0);
  RESULT(sendto(client, "x", 1, 0, ADDRESS(zero)));

  /* Connected. */
  RESULT(connect(client, ADDRESS(to)));
  length = sizeof from;
  RESULT(getpeername(client, (struct sockaddr*)&from, &length));
  FLAG(from.sin_port == to.sin_port);
  RESULT(send(client, "connected", 9, 0));
  RESULT(recv(server, buffer, 100, 0));
  const int stranger = socket(AF_INET, SOCK_DGRAM, 0);
  struct sockaddr_in back = at("127.0.0.1", port_of(client));
  RESULT(sendto(stranger, "not for you", 11, 0, ADDRESS(back)));
  RESULT(sendto(server, "for you", 7, 0, ADDRESS(back)));
  RESULT(recv(client, buffer, 100, 0));
  RESULT(recv(client, buffer, 100, 0));
  struct sockaddr none = {.sa_family = AF_UNSPEC};
  RESULT(connect(client, &none, sizeof none));
  RESULT(send(client, "x", 1, 0));

  /* A port where nobody is. */
  const int nobody = socket(AF_INET, SOCK_DGRAM, 0);
  struct sockaddr_in closed = at("127.0.0.1", 1);
  RESULT(connect(nobody, ADDRESS(closed)));
  RESULT(send(nobody, "anybody?", 8, 0));
  usleep(50000);
  RESULT(recv(nobody, buffer, 10, MSG_DONTWAIT));
  RESULT(recv(nobody, buffer, 10, MSG_DONTWAIT));
  RESULT(send(nobody, "anybody?", 8, 0));
  usleep(50000);
  int error = -1;
  length = sizeof error;
  RESULT(getsockopt(nobody, SOL_SOCKET, SO_ERROR, &error, &length));
  report_flag("refused", error == ECONNREFUSED);
  RESULT(getsockopt(nobody, SOL_SOCKET, SO_ERROR, &error, &length));
  report_result("then", error);

  /* Options. */
  int value = 1;
  RESULT(setsockopt(twin, SOL_SOCKET, SO_REUSEADDR, &value, sizeof value));
  const int shared = socket(AF_INET, SOCK_DGRAM, 0), sharer = socket(AF_INET, SOCK_DGRAM, 0);
  RESULT(setsockopt(shared, SOL_SOCKET, SO_REUSEPORT, &value, sizeof value));
  RESULT(setsockopt(sharer, SOL_SOCKET, SO_REUSEPORT, &value, sizeof value));
  RESULT(bind(shared, ADDRESS(loopback)));
  struct sockaddr_in common = at("127.0.0.1", port_of(shared));
  RESULT(bind(sharer, ADDRESS(common)));
  value = 7;
  RESULT(setsockopt(shared, IPPROTO_IP, IP_TTL, &value, sizeof value));
  RESULT(getsockopt(shared, IPPROTO_IP, IP_TTL, &value, &length));
  report_result("TTL", value);
  value = 300;
  RESULT(setsockopt(shared, IPPROTO_IP, IP_TTL, &value, sizeof value));
  RESULT(setsockopt(shared, IPPROTO_IP, 9999, &value, sizeof value));
  value = 20000;
  RESULT(setsockopt(shared, SOL_SOCKET, SO_RCVBUF, &value, sizeof value));
  RESULT(getsockopt(shared, SOL_SOCKET, SO_RCVBUF, &value, &length));
  report_result("receive buffer", value);
  RESULT(getsockopt(shared, SOL_SOCKET, SO_TYPE, &value, &length));
  report_result("type", value);
  RESULT(getsockopt(shared, SOL_SOCKET, SO_PROTOCOL, &value, &length));
  report_result("protocol", value);
  RESULT(getsockopt(shared, SOL_SOCKET, SO_BROADCAST, &value, &length));
  report_result("broadcast", value);
  struct sockaddr_in all = at("255.255.255.255", 9);
  RESULT(sendto(shared, "x", 1, 0, ADDRESS(all)));
  struct timeval time = {0, 30000};
  RESULT(setsockopt(server, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time));
  RESULT(recv(server, buffer, 10, 0));
  RESULT(listen(server, 5));
  RESULT(accept(server, NULL, NULL));

  /* Where a datagram was sent to. */
  value = 1;
  RESULT(setsockopt(server, IPPROTO_IP, IP_PKTINFO, &value, sizeof value));
  NEED(sendto(stranger, "info", 4, 0, ADDRESS(to)) == 4);
  char control[200];
  struct iovec part = {buffer, 100};
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  RESULT(recvmsg(server, &message, 0));
  struct cmsghdr* header = CMSG_FIRSTHDR(&message);
  FLAG(header != NULL && header->cmsg_type == IP_PKTINFO &&
       ((struct in_pktinfo*)CMSG_DATA(header))->ipi_addr.s_addr == htonl(INADDR_LOOPBACK));

  /* Order and loss: what fits arrives, in order. */
  value = 200000;
  NEED(setsockopt(server, SOL_SOCKET, SO_RCVBUF, &value, sizeof value) == 0);
  for (int i = 0; i < 50; ++i) {
    const int n = i;
    NEED(sendto(stranger, &n, sizeof n, 0, ADDRESS(to)) == sizeof n);
  }
  int in_order = 0;
  for (int i = 0, n = -1; i < 50; ++i)
    in_order += recv(server, &n, sizeof n, 0) == sizeof n && n == i;
  report_result("in order", in_order);
  RESULT(shutdown(server, SHUT_RD));
  RESULT(shutdown(client, SHUT_RDWR));
  return 0;
}
