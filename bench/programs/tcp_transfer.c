/*
 * Both ends of a transfer whose every byte is accounted for; the same program on both systems.
 *
 *   tcp_transfer serve ADDRESS PORT
 *   tcp_transfer send|receive ADDRESS PORT SECONDS BYTES SEED
 *
 * A stream that the seed decides goes from the client to the server, or back, for SECONDS and at
 * least BYTES long. Its end is 16 bytes: how many there were, and their hash (FNV-1a, 64 bits),
 * from the other end for what was sent, at the stream's end for what was received. The client
 * prints "BYTES HASH", or says what differs and ends with status 1.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { kLargest = 65536, kTrailer = 16, kBacklog = 16 };

struct sum {
  uint64_t bytes, hash;
};

static _Noreturn void fail(const char* what) {
  fprintf(stderr, "tcp_transfer: %s: %s\n", what, strerror(errno));
  exit(1);
}

static void add(struct sum* sum, const unsigned char* bytes, size_t length) {
  uint64_t hash = sum->hash;
  for (size_t i = 0; i < length; ++i) hash = (hash ^ bytes[i]) * 0x100000001b3u;
  sum->hash = hash;
  sum->bytes += length;
}

static struct sum nothing(void) { return (struct sum){0, 0xcbf29ce484222325u}; }

/* splitmix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014). */
static uint64_t draw(uint64_t* state) {
  uint64_t x = *state += 0x9e3779b97f4a7c15u;
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
  x = (x ^ x >> 27) * 0x94d049bb133111ebu;
  return x ^ x >> 31;
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static bool write_all(int socket, const void* bytes, size_t length) {
  for (const char* at = bytes; length != 0;) {
    const ssize_t written = write(socket, at, length);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    at += written;
    length -= (size_t)written;
  }
  return true;
}

static bool read_all(int socket, void* bytes, size_t length) {
  for (char* at = bytes; length != 0;) {
    const ssize_t got = read(socket, at, length);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    at += got;
    length -= (size_t)got;
  }
  return true;
}

/* Writes of all sizes: small ones are joined, large ones are cut. */
static bool send_stream(int socket, double seconds, uint64_t least, uint64_t seed,
                        struct sum* sum) {
  static _Thread_local uint64_t words[kLargest / 8];
  const double end = now() + seconds;
  *sum = nothing();
  while (sum->bytes < least || now() < end) {
    const uint64_t choice = draw(&seed);
    const size_t length = 1 + (choice >> 32) % ((choice & 7) == 0 ? 2000 : kLargest);
    for (size_t i = 0; i < (length + 7) / 8; ++i) words[i] = draw(&seed);
    add(sum, (const unsigned char*)words, length);
    if (!write_all(socket, words, length)) return false;
  }
  return true;
}

/* Reads to the end; the last `kept` bytes go to `trailer` and do not count. */
static bool receive_stream(int socket, struct sum* sum, unsigned char* trailer, size_t kept) {
  static _Thread_local unsigned char buffer[kTrailer + kLargest];
  *sum = nothing();
  size_t held = 0;
  for (;;) {
    const ssize_t got = read(socket, buffer + held, kLargest);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return false;
    if (got == 0) break;
    held += (size_t)got;
    if (held <= kept) continue;
    add(sum, buffer, held - kept);
    memmove(buffer, buffer + held - kept, kept);
    held = kept;
  }
  if (kept != 0) memcpy(trailer, buffer, held);
  errno = ECONNRESET;
  return held == kept;
}

static void* serve_one(void* argument) {
  const int socket = (int)(intptr_t)argument;
  char line[128];
  size_t length = 0;
  while (length < sizeof line - 1 && read(socket, line + length, 1) == 1 && line[length] != '\n')
    ++length;
  line[length] = 0;
  char way[16];
  double seconds;
  unsigned long long least, seed;
  struct sum sum;
  if (sscanf(line, "%15s %lf %llu %llu", way, &seconds, &least, &seed) == 4) {
    const bool whole = strcmp(way, "send") == 0 ? receive_stream(socket, &sum, NULL, 0)
                                                : send_stream(socket, seconds, least, seed, &sum);
    if (whole) (void)write_all(socket, &sum, sizeof sum);
  }
  shutdown(socket, SHUT_WR);
  close(socket);
  return NULL;
}

static void serve(const struct sockaddr_in* address) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  const int yes = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (bind(listener, (const struct sockaddr*)address, sizeof *address) != 0) fail("bind");
  if (listen(listener, kBacklog) != 0) fail("listen");
  puts("listening");
  fflush(stdout);
  for (;;) {
    const int socket = accept(listener, NULL, NULL);
    if (socket < 0) fail("accept");
    pthread_t thread;
    if (pthread_create(&thread, NULL, serve_one, (void*)(intptr_t)socket) != 0) fail("thread");
    pthread_detach(thread);
  }
}

int main(int count, char** arguments) {
  struct sockaddr_in address = {.sin_family = AF_INET};
  const bool serves = count == 4 && strcmp(arguments[1], "serve") == 0;
  const bool sends = count == 7 && strcmp(arguments[1], "send") == 0;
  if ((!serves && !sends && !(count == 7 && strcmp(arguments[1], "receive") == 0)) ||
      inet_pton(AF_INET, arguments[2], &address.sin_addr) != 1) {
    fputs("usage: tcp_transfer serve ADDRESS PORT | send|receive ADDRESS PORT SECONDS BYTES SEED\n",
          stderr);
    return 2;
  }
  address.sin_port = htons((uint16_t)atoi(arguments[3]));
  signal(SIGPIPE, SIG_IGN);
  if (serves) serve(&address);

  const int server = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(server, (const struct sockaddr*)&address, sizeof address) != 0) fail("connect");
  char line[128];
  snprintf(line, sizeof line, "%s %s %s %s\n", arguments[1], arguments[4], arguments[5],
           arguments[6]);
  if (!write_all(server, line, strlen(line))) fail("the first line");
  struct sum here, there;
  unsigned char trailer[kTrailer];
  if (sends) {
    if (!send_stream(server, atof(arguments[4]), strtoull(arguments[5], NULL, 10),
                     strtoull(arguments[6], NULL, 10), &here))
      fail("sending");
    shutdown(server, SHUT_WR);
    if (!read_all(server, trailer, sizeof trailer)) fail("the answer");
  } else if (!receive_stream(server, &here, trailer, sizeof trailer)) {
    fail("receiving");
  }
  memcpy(&there, trailer, sizeof there);
  if (here.bytes != there.bytes || here.hash != there.hash) {
    fprintf(stderr, "tcp_transfer: here %llu bytes, hash %016llx; there %llu bytes, hash %016llx\n",
            (unsigned long long)here.bytes, (unsigned long long)here.hash,
            (unsigned long long)there.bytes, (unsigned long long)there.hash);
    return 1;
  }
  printf("%llu %016llx\n", (unsigned long long)here.bytes, (unsigned long long)here.hash);
  return 0;
}
