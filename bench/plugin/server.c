#define _GNU_SOURCE /* accept4 */
#include "server.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { kMaxClients = 8, kLongestRequest = 64 };

struct client {
  int fd;
  size_t used;
  char line[kLongestRequest];
};

static struct sockaddr_un address = {.sun_family = AF_UNIX};
static int listener = -1;
static answer_function answer_request;
static struct client clients[kMaxClients];
static size_t client_count;
static char answer_buffer[kLongestAnswer];

static bool send_all(int fd, const char* data, size_t size) {
  while (size > 0) {
    ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    data += sent;
    size -= (size_t)sent;
  }
  return true;
}

/* Serves the complete lines of what a client sent; false ends the connection. */
static bool serve(struct client* client) {
  ssize_t received =
      recv(client->fd, client->line + client->used, sizeof client->line - client->used, 0);
  if (received < 0 && errno == EINTR) return true;
  if (received <= 0) return false;
  client->used += (size_t)received;
  char* end;
  while ((end = memchr(client->line, '\n', client->used)) != NULL) {
    *end = '\0';
    size_t size = answer_request(client->line, answer_buffer, sizeof answer_buffer);
    if (!send_all(client->fd, answer_buffer, size)) return false;
    size_t consumed = (size_t)(end - client->line) + 1;
    client->used -= consumed;
    memmove(client->line, end + 1, client->used);
  }
  return client->used < sizeof client->line; /* a longer line is no request of ours */
}

static void accept_client(void) {
  int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
  if (fd < 0) return;
  if (client_count == kMaxClients) {
    close(fd);
    return;
  }
  /* A reader that stops reading must not block the others for ever. */
  struct timeval limit = {.tv_sec = 2};
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  clients[client_count++] = (struct client){.fd = fd};
}

static void* server_main(void* unused) {
  (void)unused;
  for (;;) {
    struct pollfd waiting[1 + kMaxClients] = {{.fd = listener, .events = POLLIN}};
    for (size_t i = 0; i < client_count; i++)
      waiting[1 + i] = (struct pollfd){.fd = clients[i].fd, .events = POLLIN};
    if (poll(waiting, 1 + client_count, -1) < 0) continue;
    for (size_t i = client_count; i-- > 0;) {
      if (waiting[1 + i].revents == 0 || serve(&clients[i])) continue;
      close(clients[i].fd);
      clients[i] = clients[--client_count];
    }
    if (waiting[0].revents != 0) accept_client();
  }
  return NULL;
}

bool server_start(const char* path, answer_function answer) {
  if (strlen(path) >= sizeof address.sun_path) {
    fprintf(stderr, "counting plugin: socket=%s: longer than %zu characters\n", path,
            sizeof address.sun_path - 1);
    return false;
  }
  strcpy(address.sun_path, path);
  answer_request = answer;
  listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  mode_t old_mask = umask(0077);
  bool bound = listener >= 0 && bind(listener, (struct sockaddr*)&address, sizeof address) == 0;
  umask(old_mask);
  if (!bound || listen(listener, kMaxClients) != 0) {
    fprintf(stderr, "counting plugin: socket=%s: %s\n", path, strerror(errno));
    return false;
  }
  /* QEMU's own threads handle its signals. */
  sigset_t all, old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  pthread_t thread;
  int error = pthread_create(&thread, NULL, server_main, NULL);
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  if (error != 0) {
    fprintf(stderr, "counting plugin: no thread: %s\n", strerror(error));
    server_remove_socket();
    return false;
  }
  pthread_detach(thread);
  return true;
}

void server_remove_socket(void) {
  if (address.sun_path[0] != '\0') unlink(address.sun_path);
}
