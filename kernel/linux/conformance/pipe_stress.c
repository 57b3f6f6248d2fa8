/* Many writers and readers on one pipe: every message arrives whole and once; closing ends it. */
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <unistd.h>

#include "report.h"

enum { kWriters = 6, kReaders = 3, kMessages = 2000, kBytes = 40 };

static int ends[2];
static unsigned char seen[kWriters][kMessages];
static long torn;

static void* send_messages(void* argument) {
  const int me = (int)(intptr_t)argument;
  for (int i = 0; i < kMessages; ++i) {
    char message[kBytes];
    memset(message, 'a' + me, sizeof message);
    memcpy(message, &me, sizeof me);
    memcpy(message + sizeof me, &i, sizeof i);
    NEED(write(ends[1], message, sizeof message) == sizeof message);
  }
  return NULL;
}

static void* receive_messages(void* argument) {
  (void)argument;
  long count = 0;
  char message[kBytes];
  for (ssize_t length; (length = read(ends[0], message, sizeof message)) > 0; ++count) {
    int writer, number;
    memcpy(&writer, message, sizeof writer);
    memcpy(&number, message + sizeof writer, sizeof number);
    int whole =
        length == kBytes && writer >= 0 && writer < kWriters && number >= 0 && number < kMessages;
    for (size_t i = 2 * sizeof(int); whole && i < kBytes; ++i) whole = message[i] == 'a' + writer;
    if (whole)
      __atomic_fetch_add(&seen[writer][number], 1, __ATOMIC_RELAXED);
    else
      __atomic_fetch_add(&torn, 1, __ATOMIC_RELAXED);
  }
  return (void*)(intptr_t)count;
}

/* A block larger than the pipe, in whatever pieces it comes. */
static void* send_block(void* argument) {
  const int out = (int)(intptr_t)argument;
  static unsigned char block[1 << 20];
  for (size_t i = 0; i < sizeof block; ++i) block[i] = (unsigned char)(i * 31 >> 3);
  for (size_t sent = 0; sent < sizeof block;) {
    const ssize_t n = write(out, block + sent, sizeof block - sent);
    NEED(n > 0);
    sent += (size_t)n;
  }
  close(out);
  return NULL;
}

int main(void) {
  NEED(pipe(ends) == 0);
  pthread_t writers[kWriters], readers[kReaders];
  for (long i = 0; i < kReaders; ++i) pthread_create(&readers[i], NULL, receive_messages, NULL);
  for (long i = 0; i < kWriters; ++i)
    pthread_create(&writers[i], NULL, send_messages, (void*)(intptr_t)i);
  for (int i = 0; i < kWriters; ++i) pthread_join(writers[i], NULL);
  close(ends[1]);
  long received = 0;
  for (int i = 0; i < kReaders; ++i) {
    void* count;
    pthread_join(readers[i], &count);
    received += (long)(intptr_t)count;
  }
  long once = 0;
  for (int w = 0; w < kWriters; ++w)
    for (int m = 0; m < kMessages; ++m) once += seen[w][m] == 1;
  report_result("received", received);
  report_result("once each", once);
  report_result("torn", torn);

  int large[2];
  NEED(pipe(large) == 0);
  pthread_t sender;
  pthread_create(&sender, NULL, send_block, (void*)(intptr_t)large[1]);
  unsigned long total = 0, wrong = 0;
  unsigned char piece[7777];
  for (ssize_t n; (n = read(large[0], piece, sizeof piece)) > 0;) {
    for (ssize_t i = 0; i < n; ++i, ++total) wrong += piece[i] != (unsigned char)(total * 31 >> 3);
  }
  pthread_join(sender, NULL);
  report_result("bytes", (long)total);
  report_result("wrong bytes", (long)wrong);
  signal(SIGPIPE, SIG_IGN);
  close(large[0]);
  int broken[2];
  NEED(pipe(broken) == 0);
  close(broken[0]);
  RESULT(write(broken[1], "x", 1));
  return 0;
}
