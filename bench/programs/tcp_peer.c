/*
 * The other end of TCP measurements, the same program on every subject: one thread, epoll.
 *
 *   tcp_peer ADDRESS
 *
 * Port 7 sends back what it gets (RFC 862). Port 9 reads and forgets (RFC 863), port 19 sends
 * without end (RFC 864); the client's first line, a decimal number, says how many bytes each of
 * their reads or writes asks for (1 to 65,536).
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { kEcho = 7, kDiscard = 9, kSource = 19 };
enum { kLargest = 65536, kEvents = 256, kBacklog = 4096 };
/* Reads or writes of one connection before the others get their turn. */
enum { kTurn = 16 };
/* "65536\n" and a few to spare. */
enum { kLine = 8 };
enum { kMostConnections = 1 << 18 };

/* One for each file descriptor. Small: there may be 100,000 connections. */
struct connection {
  uint16_t port;
  bool listens;
  /* Waiting for room to send. */
  bool blocked;
  uint8_t line_length;
  char line[kLine];
  /* Bytes a message, once the first line has said so. */
  uint32_t size;
  /* Of the message being sent, or of `rest`: how much is out. */
  uint32_t sent;
  /* Echo: what could not be sent back at once. */
  uint32_t rest_length;
  char* rest;
};

static struct connection* connections;
static size_t most_connections;
static int poller;
static char buffer[kLargest];

static void fail(const char* what) {
  fprintf(stderr, "tcp_peer: %s: %s\n", what, strerror(errno));
  exit(1);
}

static void watch(int fd, int operation, uint32_t events) {
  struct epoll_event event = {.events = events, .data.fd = fd};
  if (epoll_ctl(poller, operation, fd, &event) != 0) fail("epoll_ctl");
}

/* Waits for room to send, or for something to read. */
static void wait_for(int fd, bool room) {
  struct connection* it = &connections[fd];
  if (it->blocked == room) return;
  it->blocked = room;
  watch(fd, EPOLL_CTL_MOD, room ? EPOLLOUT : EPOLLIN);
}

static void end(int fd) {
  free(connections[fd].rest);
  memset(&connections[fd], 0, sizeof connections[fd]);
  close(fd);
}

static bool would_block(ssize_t result) {
  return result < 0 && (errno == EAGAIN || errno == EINTR);
}

static void listen_on(const char* address, uint16_t port) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
  if (inet_pton(AF_INET, address, &at.sin_addr) != 1) {
    errno = EINVAL;
    fail(address);
  }
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (fd < 0) fail("socket");
  int yes = 1;
  if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0) fail("SO_REUSEADDR");
  /* Connections inherit it. */
  if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) != 0) fail("TCP_NODELAY");
  if (bind(fd, (struct sockaddr*)&at, sizeof at) != 0) fail("bind");
  if (listen(fd, kBacklog) != 0) fail("listen");
  connections[fd] = (struct connection){.port = port, .listens = true};
  watch(fd, EPOLL_CTL_ADD, EPOLLIN);
}

static void accept_all(int listener) {
  for (;;) {
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    if (fd < 0) {
      if (errno == EAGAIN) return;
      if (errno == ECONNABORTED || errno == EINTR) continue;
      /* No descriptors left: those in the queue wait until one is closed. */
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) return;
      fail("accept4");
    }
    if ((size_t)fd >= most_connections) {
      close(fd);
      continue;
    }
    connections[fd] = (struct connection){.port = connections[listener].port};
    watch(fd, EPOLL_CTL_ADD, EPOLLIN);
  }
}

/* Sends what could not be sent before. Returns whether all of it is out. */
static bool send_rest(int fd) {
  struct connection* it = &connections[fd];
  while (it->sent < it->rest_length) {
    ssize_t sent = send(fd, it->rest + it->sent, it->rest_length - it->sent, MSG_NOSIGNAL);
    if (would_block(sent)) {
      wait_for(fd, true);
      return false;
    }
    if (sent < 0) {
      end(fd);
      return false;
    }
    it->sent += (uint32_t)sent;
  }
  free(it->rest);
  it->rest = NULL;
  it->rest_length = it->sent = 0;
  wait_for(fd, false);
  return true;
}

static void echo(int fd) {
  struct connection* it = &connections[fd];
  if (it->rest != NULL && !send_rest(fd)) return;
  for (int turn = 0; turn < kTurn; turn++) {
    ssize_t got = recv(fd, buffer, sizeof buffer, 0);
    if (would_block(got)) return;
    if (got <= 0) {
      end(fd);
      return;
    }
    ssize_t sent = send(fd, buffer, (size_t)got, MSG_NOSIGNAL);
    if (sent < 0 && !would_block(sent)) {
      end(fd);
      return;
    }
    if (sent < 0) sent = 0;
    if (sent < got) {
      it->rest_length = (uint32_t)(got - sent);
      it->rest = malloc(it->rest_length);
      if (it->rest == NULL) {
        end(fd);
        return;
      }
      memcpy(it->rest, buffer + sent, it->rest_length);
      wait_for(fd, true);
      return;
    }
    /* A short read has emptied the socket; asking once more would only say so. */
    if ((size_t)got < sizeof buffer) return;
  }
}

/* Reads the line with the size. Returns whether it is known. */
static bool know_size(int fd) {
  struct connection* it = &connections[fd];
  while (it->size == 0) {
    char byte;
    ssize_t got = recv(fd, &byte, 1, 0);
    if (would_block(got)) return false;
    bool line_ends = got == 1 && byte == '\n';
    bool digit = got == 1 && byte >= '0' && byte <= '9' && it->line_length < kLine - 1;
    if (digit) it->line[it->line_length++] = byte;
    if (line_ends) it->size = (uint32_t)strtoul(it->line, NULL, 10);
    if ((!digit && !line_ends) || (line_ends && (it->size == 0 || it->size > kLargest))) {
      end(fd);
      return false;
    }
  }
  return true;
}

static void discard(int fd) {
  if (!know_size(fd)) return;
  uint32_t size = connections[fd].size;
  for (int turn = 0; turn < kTurn; turn++) {
    ssize_t got = recv(fd, buffer, size, 0);
    if (would_block(got)) return;
    if (got <= 0) {
      end(fd);
      return;
    }
  }
}

static void source(int fd) {
  if (!know_size(fd)) return;
  struct connection* it = &connections[fd];
  for (int turn = 0; turn < kTurn; turn++) {
    ssize_t sent = send(fd, buffer + it->sent, it->size - it->sent, MSG_NOSIGNAL);
    if (sent < 0 && !would_block(sent)) {
      end(fd);
      return;
    }
    if (sent < 0) break;
    it->sent = (it->sent + (uint32_t)sent) % it->size;
  }
  wait_for(fd, true);
}

static void serve(int fd) {
  switch (connections[fd].port) {
    case kEcho:
      echo(fd);
      break;
    case kDiscard:
      discard(fd);
      break;
    case kSource:
      source(fd);
      break;
    default:
      break; /* ended by an event before it */
  }
}

int main(int argc, char** argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: tcp_peer ADDRESS\n");
    return 64;
  }
  signal(SIGPIPE, SIG_IGN);
  struct rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) fail("RLIMIT_NOFILE");
  rlim_t permitted = files.rlim_max;
  /* Root may have more than that. */
  if (files.rlim_max < kMostConnections) files.rlim_max = kMostConnections;
  files.rlim_cur = files.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &files) != 0) {
    files.rlim_cur = files.rlim_max = permitted;
    if (setrlimit(RLIMIT_NOFILE, &files) != 0) fail("RLIMIT_NOFILE");
  }
  most_connections = files.rlim_cur < kMostConnections ? (size_t)files.rlim_cur : kMostConnections;
  /* Pages of it are taken when they are used. */
  connections = calloc(most_connections, sizeof *connections);
  if (connections == NULL) fail("memory");
  for (size_t at = 0; at < sizeof buffer; at++) buffer[at] = (char)('a' + at % 26);
  poller = epoll_create1(0);
  if (poller < 0) fail("epoll_create1");
  listen_on(argv[1], kEcho);
  listen_on(argv[1], kDiscard);
  listen_on(argv[1], kSource);
  printf("tcp_peer serves %s\n", argv[1]);
  fflush(stdout);
  for (;;) {
    struct epoll_event events[kEvents];
    int count = epoll_wait(poller, events, kEvents, -1);
    if (count < 0 && errno != EINTR) fail("epoll_wait");
    for (int at = 0; at < count; at++) {
      int fd = events[at].data.fd;
      if (connections[fd].listens) {
        accept_all(fd);
      } else {
        serve(fd);
      }
    }
  }
}
