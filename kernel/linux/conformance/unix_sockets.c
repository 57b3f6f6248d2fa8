/* AF_UNIX: stream, datagram, sequenced packets, names, passed descriptors, credentials, shutting
 * down, errors. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "report.h"

static struct sockaddr_un address(const char* path) {
  struct sockaddr_un a = {.sun_family = AF_UNIX};
  strcpy(a.sun_path, path);
  return a;
}
#define ADDRESS(a) (struct sockaddr*)&(a), sizeof(a)

static int events(int descriptor) {
  struct pollfd p = {.fd = descriptor, .events = POLLIN | POLLOUT | POLLRDHUP};
  poll(&p, 1, 0);
  return p.revents;
}

static ssize_t send_descriptor(int socket, int descriptor, const char* text) {
  struct iovec part = {(void*)text, strlen(text)};
  union {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr align;
  } control;
  memset(&control, 0, sizeof control);
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  struct cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
  return sendmsg(socket, &message, 0);
}

static int receive_descriptor(int socket, int flags, size_t room) {
  char text[20] = "";
  struct iovec part = {text, sizeof text - 1};
  union {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr align;
  } control;
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = room};
  const ssize_t length = recvmsg(socket, &message, flags);
  struct cmsghdr* header = CMSG_FIRSTHDR(&message);
  printf("received %zd \"%s\" flags %#x control %s\n", length, text,
         message.msg_flags & ~MSG_CMSG_CLOEXEC,
         header != NULL && header->cmsg_type == SCM_RIGHTS ? "rights" : "none");
  if (header == NULL || header->cmsg_type != SCM_RIGHTS) return -1;
  int descriptor;
  memcpy(&descriptor, CMSG_DATA(header), sizeof descriptor);
  return descriptor;
}

int main(void) {
  char folder[] = "unix-XXXXXX";
  NEED(mkdtemp(folder) != NULL && chdir(folder) == 0);
  signal(SIGPIPE, SIG_IGN);
  char buffer[300000];
  memset(buffer, 'b', sizeof buffer);

  /* Creating. */
  RESULT(socket(99, SOCK_STREAM, 0));
  RESULT(socket(AF_UNIX, 77, 0));
  RESULT(socket(AF_UNIX, SOCK_STREAM, 99));
  SUCCESS(socket(AF_UNIX, SOCK_STREAM, PF_UNIX));
  int pair[2];
  RESULT(socketpair(AF_INET, SOCK_STREAM, 0, pair));
  RESULT(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
  RESULT(fcntl(pair[0], F_GETFL));
  RESULT(getpeername(pair[0], (struct sockaddr*)buffer, &(socklen_t){100}));

  /* Streams. */
  RESULT(write(pair[0], "hello", 5));
  RESULT(write(pair[0], " world", 6));
  RESULT(recv(pair[1], buffer, 3, MSG_PEEK));
  RESULT(read(pair[1], buffer, 100));
  printf("%.11s\n", buffer);
  RESULT(recv(pair[1], buffer, 100, MSG_DONTWAIT));
  report_result("events", events(pair[1]));
  RESULT(send(pair[0], "x", 1, 0));
  int available = 0;
  RESULT(ioctl(pair[1], FIONREAD, &available));
  report_result("available", available);
  RESULT(recv(pair[1], NULL, 0, 0));
  RESULT(shutdown(pair[0], SHUT_WR));
  report_result("events", events(pair[1]));
  report_result("events", events(pair[0]));
  RESULT(read(pair[1], buffer, 100));
  RESULT(read(pair[1], buffer, 100));
  RESULT(write(pair[0], "x", 1));
  RESULT(write(pair[1], "back", 4));
  RESULT(close(pair[1]));
  report_result("events", events(pair[0]));
  RESULT(read(pair[0], buffer, 100));
  RESULT(read(pair[0], buffer, 100));
  RESULT(send(pair[0], "x", 1, MSG_NOSIGNAL));
  RESULT(shutdown(pair[0], 7));
  close(pair[0]);
  NEED(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
  RESULT(fcntl(pair[0], F_GETFD));
  long sent = 0;
  for (ssize_t n; (n = write(pair[0], buffer, 1000)) > 0;) sent += n;
  report_flag("a good deal fits", sent > 50000);
  report_result("events", events(pair[0]));
  long received = 0;
  for (ssize_t n; (n = read(pair[1], buffer, 777)) > 0;) received += n;
  report_flag("all arrived", sent == received);
  report_result("events", events(pair[0]));
  RESULT(write(pair[0], "unread", 6));
  RESULT(close(pair[1]));
  RESULT(read(pair[0], buffer, 10));
  RESULT(read(pair[0], buffer, 10));
  close(pair[0]);
  NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
  RESULT(write(pair[1], "to nobody", 9));
  close(pair[0]);
  RESULT(read(pair[1], buffer, 10));
  RESULT(write(pair[1], "x", 1));
  close(pair[1]);

  /* Names. */
  const int server = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
  struct sockaddr_un name = address("server"), missing = address("missing"),
                     folder_name = address(".");
  RESULT(connect(client, ADDRESS(name)));
  RESULT(listen(client, 1));
  RESULT(accept(server, NULL, NULL));
  RESULT(bind(server, ADDRESS(name)));
  RESULT(bind(server, ADDRESS(name)));
  RESULT(bind(client, ADDRESS(name)));
  struct stat s;
  RESULT(stat("server", &s));
  FLAG(S_ISSOCK(s.st_mode));
  RESULT(open("server", O_RDWR));
  RESULT(connect(client, ADDRESS(name)));
  RESULT(listen(server, 2));
  RESULT(connect(client, ADDRESS(missing)));
  RESULT(connect(client, ADDRESS(folder_name)));
  RESULT(connect(client, ADDRESS(name)));
  RESULT(connect(client, ADDRESS(name)));
  report_result("events", events(server));
  struct sockaddr_un peer;
  socklen_t length = sizeof peer;
  const int accepted = accept4(server, (struct sockaddr*)&peer, &length, SOCK_CLOEXEC);
  FLAG(accepted >= 0);
  report_result("length of the client's address", length);
  RESULT(fcntl(accepted, F_GETFD));
  length = sizeof peer;
  RESULT(getpeername(client, (struct sockaddr*)&peer, &length));
  report_result("length", length);
  report_text("peer", peer.sun_path);
  length = 4;
  RESULT(getsockname(server, (struct sockaddr*)&peer, &length));
  report_result("length", length);
  RESULT(write(client, "by name", 7));
  RESULT(read(accepted, buffer, 100));
  RESULT(getpeername(server, (struct sockaddr*)&peer, &(socklen_t){100}));
  fcntl(server, F_SETFL, O_NONBLOCK);
  RESULT(accept(server, NULL, NULL));
  struct ucred credentials;
  length = sizeof credentials;
  RESULT(getsockopt(client, SOL_SOCKET, SO_PEERCRED, &credentials, &length));
  FLAG(credentials.pid == getpid() && credentials.uid == getuid());
  int full = 0;
  for (int i = 0; i < 10; ++i) {
    const int more = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (connect(more, ADDRESS(name)) != 0 && errno == EAGAIN) ++full;
  }
  report_result("refused by a full backlog", full);
  RESULT(close(server));
  const int late = socket(AF_UNIX, SOCK_STREAM, 0);
  RESULT(connect(late, ADDRESS(name)));

  /* Abstract names. */
  struct sockaddr_un hidden = {.sun_family = AF_UNIX};
  memcpy(hidden.sun_path, "\0plumb", 6);
  const int abstract = socket(AF_UNIX, SOCK_DGRAM, 0), other = socket(AF_UNIX, SOCK_DGRAM, 0);
  const socklen_t hidden_length = offsetof(struct sockaddr_un, sun_path) + 6;
  RESULT(sendto(other, "x", 1, 0, (struct sockaddr*)&hidden, hidden_length));
  RESULT(bind(abstract, (struct sockaddr*)&hidden, hidden_length));
  RESULT(bind(other, (struct sockaddr*)&hidden, hidden_length));
  RESULT(sendto(other, "datagram", 8, 0, (struct sockaddr*)&hidden, hidden_length));
  RESULT(sendto(other, "", 0, 0, (struct sockaddr*)&hidden, hidden_length));
  length = sizeof peer;
  RESULT(recvfrom(abstract, buffer, 4, MSG_TRUNC, (struct sockaddr*)&peer, &length));
  report_result("length of no name", length);
  RESULT(recv(abstract, buffer, 4, 0));
  RESULT(recv(abstract, buffer, 4, MSG_DONTWAIT));
  RESULT(send(other, "x", 1, 0));
  RESULT(connect(other, (struct sockaddr*)&hidden, hidden_length));
  RESULT(send(other, "connected", 9, 0));
  RESULT(recv(abstract, buffer, 100, 0));
  RESULT(send(other, buffer, sizeof buffer, 0));
  struct sockaddr none = {.sa_family = AF_UNSPEC};
  RESULT(connect(other, &none, sizeof none));
  RESULT(send(other, "x", 1, 0));
  RESULT(bind(other, (struct sockaddr*)&hidden, sizeof(sa_family_t)));
  length = sizeof peer;
  RESULT(getsockname(other, (struct sockaddr*)&peer, &length));
  report_result("length of a given name", length);
  RESULT(bind(other, ADDRESS(none)));

  /* Sequenced packets. */
  NEED(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == 0);
  RESULT(send(pair[0], "first", 5, 0));
  RESULT(send(pair[0], "second", 6, 0));
  RESULT(recv(pair[1], buffer, 3, 0));
  RESULT(recv(pair[1], buffer, 100, 0));
  close(pair[0]);
  RESULT(recv(pair[1], buffer, 100, 0));
  close(pair[1]);

  /* Descriptors in messages. */
  NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
  const int file = open("passed", O_RDWR | O_CREAT, 0600);
  NEED(write(file, "content", 7) == 7);
  RESULT(send_descriptor(pair[0], file, "take"));
  RESULT(send_descriptor(pair[0], 99, "bad"));
  close(file);
  const int passed = receive_descriptor(pair[1], MSG_CMSG_CLOEXEC, CMSG_SPACE(sizeof(int)));
  FLAG(passed >= 0);
  RESULT(fcntl(passed, F_GETFD));
  RESULT(pread(passed, buffer, 100, 0));
  printf("%.7s\n", buffer);
  RESULT(send_descriptor(pair[0], passed, "one"));
  RESULT(write(pair[0], "two", 3));
  receive_descriptor(pair[1], 0, CMSG_SPACE(sizeof(int)));
  receive_descriptor(pair[1], MSG_DONTWAIT, CMSG_SPACE(sizeof(int)));
  RESULT(send_descriptor(pair[0], passed, "no room"));
  receive_descriptor(pair[1], 0, 4);
  int ends[2];
  NEED(pipe(ends) == 0);
  RESULT(send_descriptor(pair[0], ends[1], "pipe"));
  close(ends[1]);
  close(pair[0]);
  close(pair[1]);
  RESULT(read(ends[0], buffer, 10)); /* the end in flight is gone with its socket */

  /* Options. */
  NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
  int value = 0;
  length = sizeof value;
  RESULT(getsockopt(pair[0], SOL_SOCKET, SO_TYPE, &value, &length));
  report_result("type", value);
  RESULT(getsockopt(pair[0], SOL_SOCKET, SO_DOMAIN, &value, &length));
  report_result("domain", value);
  RESULT(getsockopt(pair[0], SOL_SOCKET, SO_ERROR, &value, &length));
  report_result("error", value);
  RESULT(getsockopt(pair[0], SOL_SOCKET, SO_ACCEPTCONN, &value, &length));
  report_result("listens", value);
  RESULT(getsockopt(pair[0], SOL_SOCKET, 9999, &value, &length));
  RESULT(getsockopt(pair[0], 6, 1, &value, &length));
  RESULT(setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &value, 2));
  struct timeval time = {0, 30000};
  RESULT(setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time));
  RESULT(read(pair[0], buffer, 1));
  const int plain = open("passed", O_RDONLY);
  RESULT(getsockopt(plain, SOL_SOCKET, SO_TYPE, &value, &length));
  RESULT(listen(plain, 1));
  RESULT(send(plain, "x", 1, 0));
  RESULT(send(99, "x", 1, 0));
  RESULT(lseek(pair[0], 0, SEEK_SET));
  RESULT(listen(pair[0], 1));

  /* Several messages at once. */
  NEED(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0);
  struct iovec parts[3] = {{"a", 1}, {"bb", 2}, {"ccc", 3}};
  struct mmsghdr messages[3] = {0};
  for (int i = 0; i < 3; ++i)
    messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
  RESULT(sendmmsg(pair[0], messages, 3, 0));
  char texts[3][10];
  for (int i = 0; i < 3; ++i) {
    parts[i] = (struct iovec){texts[i], 10};
    messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
  }
  RESULT(recvmmsg(pair[1], messages, 3, MSG_DONTWAIT, NULL));
  printf("lengths %u %u %u\n", messages[0].msg_len, messages[1].msg_len, messages[2].msg_len);
  RESULT(recvmmsg(pair[1], messages, 3, MSG_DONTWAIT, NULL));
  return 0;
}
