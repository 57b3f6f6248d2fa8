/* Options of TCP sockets: what they are at first, what they become, what is refused. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "report.h"

static void show(const char* name, int socket, int level, int option) {
  int value = -1;
  socklen_t length = sizeof value;
  if (getsockopt(socket, level, option, &value, &length) != 0) {
    report_result(name, -1);
    return;
  }
  report_result(name, value);
}
static void change(const char* name, int socket, int level, int option, int value) {
  report_result(name, setsockopt(socket, level, option, &value, sizeof value));
  show(name, socket, level, option);
}
#define SHOW(socket, level, option) show(#option, socket, level, option)
#define CHANGE(socket, level, option, value) \
  change(#option " = " #value, socket, level, option, value)

static void show_all(int socket) {
  SHOW(socket, SOL_SOCKET, SO_TYPE);
  SHOW(socket, SOL_SOCKET, SO_DOMAIN);
  SHOW(socket, SOL_SOCKET, SO_PROTOCOL);
  SHOW(socket, SOL_SOCKET, SO_ERROR);
  SHOW(socket, SOL_SOCKET, SO_KEEPALIVE);
  SHOW(socket, SOL_SOCKET, SO_REUSEADDR);
  SHOW(socket, SOL_SOCKET, SO_REUSEPORT);
  SHOW(socket, SOL_SOCKET, SO_OOBINLINE);
  SHOW(socket, SOL_SOCKET, SO_RCVLOWAT);
  SHOW(socket, IPPROTO_TCP, TCP_NODELAY);
  SHOW(socket, IPPROTO_TCP, TCP_CORK);
  SHOW(socket, IPPROTO_TCP, TCP_KEEPIDLE);
  SHOW(socket, IPPROTO_TCP, TCP_KEEPINTVL);
  SHOW(socket, IPPROTO_TCP, TCP_KEEPCNT);
  SHOW(socket, IPPROTO_TCP, TCP_SYNCNT);
  SHOW(socket, IPPROTO_TCP, TCP_LINGER2);
  SHOW(socket, IPPROTO_TCP, TCP_DEFER_ACCEPT);
  SHOW(socket, IPPROTO_TCP, TCP_USER_TIMEOUT);
  SHOW(socket, IPPROTO_IP, IP_TTL);
  SHOW(socket, IPPROTO_IP, IP_TOS);
}

int main(void) {
  const int server = socket(AF_INET, SOCK_STREAM, 0);
  show_all(server);
  SHOW(server, IPPROTO_TCP, TCP_MAXSEG);
  SHOW(server, IPPROTO_TCP, TCP_WINDOW_CLAMP);
  SHOW(server, IPPROTO_TCP, 12345);
  SHOW(server, IPPROTO_UDP, 1);
  SHOW(server, IPPROTO_IPV6, IPV6_V6ONLY);
  CHANGE(server, SOL_SOCKET, SO_KEEPALIVE, 1);
  CHANGE(server, SOL_SOCKET, SO_REUSEADDR, 5);
  CHANGE(server, IPPROTO_TCP, TCP_NODELAY, 3);
  CHANGE(server, IPPROTO_TCP, TCP_KEEPIDLE, 300);
  CHANGE(server, IPPROTO_TCP, TCP_KEEPIDLE, 0);
  CHANGE(server, IPPROTO_TCP, TCP_KEEPIDLE, 32768);
  CHANGE(server, IPPROTO_TCP, TCP_KEEPINTVL, 100);
  CHANGE(server, IPPROTO_TCP, TCP_KEEPCNT, 3);
  CHANGE(server, IPPROTO_TCP, TCP_KEEPCNT, 128);
  CHANGE(server, IPPROTO_TCP, TCP_SYNCNT, 0);
  CHANGE(server, IPPROTO_TCP, TCP_SYNCNT, 4);
  CHANGE(server, IPPROTO_TCP, TCP_MAXSEG, 20);
  CHANGE(server, IPPROTO_TCP, TCP_USER_TIMEOUT, 5000);
  CHANGE(server, IPPROTO_TCP, TCP_USER_TIMEOUT, -5);
  CHANGE(server, IPPROTO_TCP, 12345, 1);
  CHANGE(server, IPPROTO_IP, IP_TTL, 33);
  CHANGE(server, IPPROTO_IP, IP_TTL, 0);
  CHANGE(server, IPPROTO_IP, IP_TTL, -1);
  CHANGE(server, SOL_SOCKET, SO_RCVBUF, 65536);
  CHANGE(server, SOL_SOCKET, SO_SNDBUF, 30000);

  char name[32] = {0};
  socklen_t length = sizeof name;
  /* The first one is the system's choice. */
  RESULT(getsockopt(server, IPPROTO_TCP, TCP_CONGESTION, name, &length));
  report_result("length", (int)length);
  RESULT(setsockopt(server, IPPROTO_TCP, TCP_CONGESTION, "reno", 4));
  length = sizeof name;
  RESULT(getsockopt(server, IPPROTO_TCP, TCP_CONGESTION, name, &length));
  report_text("congestion", name);
  RESULT(setsockopt(server, IPPROTO_TCP, TCP_CONGESTION, "no such", 7));
  length = 3;
  RESULT(getsockopt(server, IPPROTO_TCP, TCP_CONGESTION, name, &length));
  report_result("length", (int)length);

  /* What an accepted socket takes over. */
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  const struct linger linger = {1, 3};
  RESULT(setsockopt(server, SOL_SOCKET, SO_LINGER, &linger, sizeof linger));
  RESULT(bind(server, (struct sockaddr*)&a, sizeof a));
  RESULT(listen(server, 5));
  length = sizeof a;
  RESULT(getsockname(server, (struct sockaddr*)&a, &length));
  const int client = socket(AF_INET, SOCK_STREAM, 0);
  RESULT(connect(client, (struct sockaddr*)&a, sizeof a));
  const int accepted = accept(server, NULL, NULL);
  FLAG(accepted >= 0);
  show_all(accepted);
  struct linger taken = {0, 0};
  length = sizeof taken;
  RESULT(getsockopt(accepted, SOL_SOCKET, SO_LINGER, &taken, &length));
  report_result("linger", taken.l_onoff * 100 + taken.l_linger);
  SHOW(accepted, SOL_SOCKET, SO_RCVBUF);
  SHOW(accepted, SOL_SOCKET, SO_SNDBUF);

  /* While connected. */
  CHANGE(client, IPPROTO_TCP, TCP_CORK, 1);
  RESULT(send(client, "corked", 6, 0));
  int unsent = -1;
  RESULT(ioctl(client, TIOCOUTQ, &unsent));
  report_result("queued", unsent);
  CHANGE(client, IPPROTO_TCP, TCP_CORK, 0);
  char buffer[16];
  RESULT(recv(accepted, buffer, sizeof buffer, 0));
  int mark = -1;
  RESULT(ioctl(accepted, 0x8905, &mark));
  struct tcp_info info;
  length = sizeof info;
  RESULT(getsockopt(client, IPPROTO_TCP, TCP_INFO, &info, &length));
  report_result("state", info.tcpi_state);
  report_result("options", info.tcpi_options & 7);
  FLAG(info.tcpi_rtt < 1000000 && info.tcpi_snd_mss > 500 && info.tcpi_snd_cwnd >= 2);
  struct timeval soon = {0, 20000};
  RESULT(setsockopt(accepted, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof soon));
  RESULT(recv(accepted, buffer, sizeof buffer, 0));
  close(client);
  close(accepted);
  close(server);

  /* IPv6, and IPv4 through it. */
  const int six = socket(AF_INET6, SOCK_STREAM, 0);
  FLAG(six >= 0);
  if (six < 0) return 0;
  SHOW(six, IPPROTO_IPV6, IPV6_V6ONLY);
  SHOW(six, IPPROTO_IPV6, IPV6_UNICAST_HOPS);
  struct sockaddr_in6 any = {.sin6_family = AF_INET6};
  RESULT(bind(six, (struct sockaddr*)&any, sizeof any));
  CHANGE(six, IPPROTO_IPV6, IPV6_V6ONLY, 1);
  RESULT(listen(six, 5));
  length = sizeof any;
  RESULT(getsockname(six, (struct sockaddr*)&any, &length));
  report_result("length", (int)length);
  struct sockaddr_in four = {
      .sin_family = AF_INET, .sin_port = any.sin6_port, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  const int by_four = socket(AF_INET, SOCK_STREAM, 0);
  RESULT(connect(by_four, (struct sockaddr*)&four, sizeof four));
  struct sockaddr_in6 from;
  length = sizeof from;
  const int mapped = accept(six, (struct sockaddr*)&from, &length);
  FLAG(mapped >= 0 && IN6_IS_ADDR_V4MAPPED(&from.sin6_addr));
  any.sin6_addr = in6addr_loopback;
  const int by_six = socket(AF_INET6, SOCK_STREAM, 0);
  RESULT(connect(by_six, (struct sockaddr*)&any, sizeof any));
  length = sizeof from;
  const int native = accept(six, (struct sockaddr*)&from, &length);
  FLAG(native >= 0 && memcmp(&from.sin6_addr, &in6addr_loopback, 16) == 0);
  RESULT(write(by_six, "six", 3));
  RESULT(read(native, buffer, sizeof buffer));
  return 0;
}
