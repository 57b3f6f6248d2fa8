/* What execve takes and refuses: files that are no programs, scripts, long arguments, and the call
 * from one thread of several. The program copies itself to files that it then spoils. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "report.h"

extern char** environ;
static char folder[] = "/tmp/exec-XXXXXX";
static char image[1 << 20];
static size_t image_size;

static const char* path_of(const char* name) {
  static char path[300];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  return path;
}

static void make(const char* name, const void* bytes, size_t size, mode_t mode) {
  const int file = open(path_of(name), O_CREAT | O_WRONLY | O_TRUNC, 0755);
  if (file < 0 || write(file, bytes, size) != (ssize_t)size || fchmod(file, mode) != 0)
    printf("%s: cannot be made\n", name);
  close(file);
}

static void make_script(const char* name, const char* interpreter, const char* rest) {
  char line[400];
  const int length = snprintf(line, sizeof line, "#!%s/%s%s\n", folder, interpreter, rest);
  make(name, line, (size_t)length, 0755);
}

static void run(const char* name, char* const* arguments) {
  char path[300];
  snprintf(path, sizeof path, "%s", path_of(name));
  fflush(stdout);
  const pid_t child = vfork();
  if (child == 0) {
    execve(path, arguments, environ);
    printf("%s: %s\n", name, strerror(errno));
    fflush(stdout);
    _exit(99);
  }
  int status = 0;
  if (waitpid(child, &status, 0) != child) printf("%s: waitpid: %s\n", name, strerror(errno));
  if (WIFSIGNALED(status)) printf("%s: signal %d\n", name, WTERMSIG(status));
  if (WIFEXITED(status)) printf("%s: exited %d\n", name, WEXITSTATUS(status));
}

/* The program again: its arguments without the folder's random name. */
static int print_arguments(int count, char** arguments) {
  for (int i = 0; i < count; ++i) {
    const char* name = strrchr(arguments[i], '/');
    printf(" [%s]", name != NULL ? name + 1 : arguments[i]);
  }
  printf("\n");
  return count;
}

static int after_thread_exec(void) {
  printf("one thread left, the first: %d\n", getpid() == gettid());
  sigset_t blocked;
  sigprocmask(0, NULL, &blocked);
  struct sigaction action;
  sigaction(SIGUSR2, NULL, &action);
  printf("SIGUSR1 blocked: %d, SIGUSR2 default: %d", sigismember(&blocked, SIGUSR1),
         action.sa_handler == SIG_DFL);
  sigaction(SIGHUP, NULL, &action);
  printf(", SIGHUP ignored: %d\n", action.sa_handler == SIG_IGN);
  printf("descriptors: %d %d\n", fcntl(8, F_GETFD), fcntl(9, F_GETFD));
  return 5;
}

static void handle(int signal) { (void)signal; }

static void* wait_for_ever(void* argument) {
  for (;;) pause();
  return argument;
}

static void* execute(void* argument) {
  char* const arguments[] = {"copy", "after-thread-exec", NULL};
  execve(argument, arguments, environ);
  printf("exec by a thread: %s\n", strerror(errno));
  return NULL;
}

static void refuse_files(void) {
  char* const arguments[] = {"name", "arguments", "one", NULL};
  make("copy", image, image_size, 0755);
  run("copy", arguments);
  make("truncated", image, 500, 0755);
  run("truncated", arguments);
  make("empty", "", 0, 0755);
  run("empty", arguments);
  make("text", "hello\n", 6, 0755);
  run("text", arguments);
  make("not-executable", image, image_size, 0644);
  run("not-executable", arguments);
  run("missing", arguments);
  run(".", arguments);
  run("copy/below", arguments);
  static char spoilt[sizeof image];
  memcpy(spoilt, image, image_size);
  spoilt[18] = 40; /* e_machine: EM_ARM */
  make("arm", spoilt, image_size, 0755);
  run("arm", arguments);
  memcpy(spoilt, image, image_size);
  char* interpreter = memmem(spoilt, image_size, "/lib64/ld-linux", 15);
  if (interpreter != NULL) interpreter[9] = 'X';
  make("without-interpreter", spoilt, image_size, 0755);
  run("without-interpreter", arguments);
}

static void follow_scripts(void) {
  char* const arguments[] = {"name", "more", "and more", NULL};
  make_script("script", "copy", " \t arguments  ");
  run("script", arguments);
  make_script("script-of-script", "script", " sub");
  run("script-of-script", arguments);
  make_script("bad-script", "missing", "");
  run("bad-script", arguments);
  make_script("loop", "loop", "");
  run("loop", arguments);
  make("nameless", "#!  \n", 5, 0755);
  run("nameless", arguments);
}

static void pass_arguments(void) {
  static char string[200000];
  memset(string, 'a', sizeof string - 1);
  char* const long_one[] = {"name", string, NULL};
  run("copy", long_one);
  static char* many[300000];
  for (size_t i = 0; i + 1 < sizeof many / sizeof many[0]; ++i) many[i] = "1234567";
  run("copy", many);
  run("copy", (char* const*)8);
}

int main(int count, char** arguments) {
  setvbuf(stdout, NULL, _IOFBF, BUFSIZ);
  if (count > 1 && strcmp(arguments[1], "arguments") == 0) return print_arguments(count, arguments);
  if (count > 1 && strcmp(arguments[1], "after-thread-exec") == 0) return after_thread_exec();

  const int file = open("/proc/self/exe", O_RDONLY);
  const ssize_t size = read(file, image, sizeof image);
  close(file);
  if (size <= 0 || mkdtemp(folder) == NULL) return 1;
  image_size = (size_t)size;
  refuse_files();
  follow_scripts();
  pass_arguments();

  struct sigaction action = {.sa_handler = handle};
  sigaction(SIGUSR2, &action, NULL);
  signal(SIGHUP, SIG_IGN);
  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &blocked, NULL);
  dup2(1, 8);
  dup3(1, 9, O_CLOEXEC);
  static char self[300];
  snprintf(self, sizeof self, "%s", path_of("copy"));
  fflush(stdout);
  pthread_t threads[4];
  for (int i = 0; i < 3; ++i) pthread_create(&threads[i], NULL, wait_for_ever, NULL);
  pthread_create(&threads[3], NULL, execute, self);
  for (;;) pause();
}
