/* Semaphores and robust mutexes in memory that two programs share, at addresses of their own. */
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "report.h"

extern char** environ;

struct Shared {
  sem_t there, back;
  pthread_mutex_t mutex;
  int rounds;
};

static struct Shared* map(const char* path) {
  const int file = open(path, O_RDWR);
  struct Shared* shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  return shared == MAP_FAILED ? NULL : shared;
}

static int child(const char* path) {
  struct Shared* shared = map(path);
  if (shared == NULL) return 1;
  for (int i = 0; i < 1000; ++i) {
    sem_wait(&shared->there);
    ++shared->rounds;
    sem_post(&shared->back);
  }
  /* Ends as the owner. */
  pthread_mutex_lock(&shared->mutex);
  sem_post(&shared->back);
  usleep(20000);
  return 0;
}

int main(int count, char** arguments) {
  if (count > 1) return child(arguments[1]);
  char path[] = "/dev/shm/futexes-XXXXXX";
  const int file = mkstemp(path);
  if (file < 0 || ftruncate(file, 4096) != 0) return 1;
  close(file);
  struct Shared* shared = map(path);
  if (shared == NULL) return 1;
  sem_init(&shared->there, 1, 0);
  sem_init(&shared->back, 1, 0);
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(&shared->mutex, &attributes);

  pid_t pid;
  char* const again[] = {"shared_futexes", path, NULL};
  report_result("posix_spawn", posix_spawn(&pid, "/proc/self/exe", NULL, NULL, again, environ));
  for (int i = 0; i < 1000; ++i) {
    sem_post(&shared->there);
    sem_wait(&shared->back);
  }
  report_result("rounds", shared->rounds);
  sem_wait(&shared->back);
  report_text("lock", strerror(pthread_mutex_lock(&shared->mutex)));
  report_result("consistent", pthread_mutex_consistent(&shared->mutex));
  report_result("unlock", pthread_mutex_unlock(&shared->mutex));
  int status;
  report_flag("waited for", waitpid(pid, &status, 0) == pid);
  report_result("status", status);
  unlink(path);
  return 0;
}
