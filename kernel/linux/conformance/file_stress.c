/* Threads that make, rename, link, map, cut, list and remove the same files at once, and keep files
 * of their own whose content must stay what they wrote. */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report.h"

enum { kThreads = 8, kRounds = 1500, kOwnSize = 20000 };

static void shared_step(unsigned* seed, char* buffer, size_t size) {
  char name[64], other[64];
  snprintf(name, sizeof name, "shared%d/f%d", rand_r(seed) % 2, rand_r(seed) % 30);
  snprintf(other, sizeof other, "shared%d/f%d", rand_r(seed) % 2, rand_r(seed) % 30);
  int file = -1;
  switch (rand_r(seed) % 7) {
    case 0:
      file = open(name, O_RDWR | O_CREAT, 0600);
      if (file >= 0 && write(file, buffer, (size_t)rand_r(seed) % size) < 0)
        printf("write failed\n");
      break;
    case 1:
      rename(name, other);
      break;
    case 2:
      unlink(name);
      break;
    case 3: {
      DIR* directory = opendir("shared0");
      if (directory == NULL) printf("opendir failed\n");
      while (directory != NULL && readdir(directory) != NULL) {
      }
      if (directory != NULL) closedir(directory);
      break;
    }
    case 4:
      file = open(name, O_RDWR);
      if (file >= 0) {
        char* bytes = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        if (bytes == MAP_FAILED) printf("mmap failed\n");
        /* Read into a mapping that others cut: EFAULT or bytes, never an end. */
        if (pread(file, bytes, 4096, 0) < 0 && errno != EFAULT) printf("pread failed\n");
        munmap(bytes, 8192);
        if (ftruncate(file, rand_r(seed) % 10000) != 0) printf("ftruncate failed\n");
      }
      break;
    case 5:
      link(name, other);
      break;
    default:
      file = open(name, O_RDONLY);
      if (file >= 0) {
        struct flock lock = {.l_type = F_RDLCK};
        if (fcntl(file, F_SETLK, &lock) != 0) printf("lock failed\n");
        while (read(file, buffer, 1000) > 0) {
        }
      }
  }
  if (file >= 0) close(file);
}

/* Writes a pattern at a random place and compares the whole file with what it must hold. */
static int own_step(int file, unsigned* seed, char* expected) {
  char actual[kOwnSize];
  const int at = rand_r(seed) % (kOwnSize - 100), length = 1 + rand_r(seed) % 100;
  memset(expected + at, 'a' + rand_r(seed) % 26, (size_t)length);
  if (pwrite(file, expected + at, (size_t)length, at) != length) return 0;
  return pread(file, actual, sizeof actual, 0) == kOwnSize &&
         memcmp(actual, expected, kOwnSize) == 0;
}

static void* work(void* argument) {
  const long number = (long)argument;
  unsigned seed = (unsigned)number;
  char buffer[8192], own[32], expected[kOwnSize] = {0};
  memset(buffer, 'x', sizeof buffer);
  snprintf(own, sizeof own, "own%ld", number);
  const int file = open(own, O_RDWR | O_CREAT, 0600);
  long good = file >= 0 && ftruncate(file, kOwnSize) == 0;
  for (int i = 0; i < kRounds && good; ++i) {
    shared_step(&seed, buffer, sizeof buffer);
    if (i % 10 == 0) good = own_step(file, &seed, expected);
  }
  close(file);
  return (void*)good;
}

int main(void) {
  char folder[] = "stress-XXXXXX";
  NEED(mkdtemp(folder) != NULL && chdir(folder) == 0);
  NEED(mkdir("shared0", 0755) == 0 && mkdir("shared1", 0755) == 0);
  pthread_t threads[kThreads];
  for (long i = 0; i < kThreads; ++i) NEED(pthread_create(&threads[i], NULL, work, (void*)i) == 0);
  for (int i = 0; i < kThreads; ++i) {
    void* good = NULL;
    pthread_join(threads[i], &good);
    report_flag("content kept", good != NULL);
  }
  /* Everything can still be removed, and nothing is left over. */
  for (int directory = 0; directory < 2; ++directory) {
    for (int i = 0; i < 30; ++i) {
      char name[64];
      snprintf(name, sizeof name, "shared%d/f%d", directory, i);
      unlink(name);
    }
  }
  RESULT(rmdir("shared0"));
  RESULT(rmdir("shared1"));
  return 0;
}
