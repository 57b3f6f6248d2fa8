/* Sessions and their terminals: who controls one, signals from the keyboard, groups in the
 * background, hanging up. The program runs itself with a word for what needs a process of its own.
 */
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "terminal_pair.h"

extern char** environ;
static char self[256];

static volatile sig_atomic_t signals[64];
static void count_signal(int signal) { ++signals[signal]; }

/* In a session of its own: the slave is descriptor 3, the master 4. */
static int session(void) {
  slave = 3, master = 4;
  RESULT(open("/dev/tty", O_RDWR));
  RESULT(tcgetpgrp(slave));
  RESULT(tcgetsid(slave));
  FLAG(getsid(0) == getpid());
  char name[64];
  NEED(ttyname_r(slave, name, sizeof name) == 0);
  const int first = open(name, O_RDWR | O_NOCTTY);
  RESULT(open("/dev/tty", O_RDWR));
  close(first);
  RESULT(ioctl(slave, TIOCSCTTY, 0));
  RESULT(ioctl(slave, TIOCSCTTY, 0));
  const int tty = open("/dev/tty", O_RDWR);
  FLAG(tty >= 0);
  struct stat s;
  NEED(fstat(tty, &s) == 0);
  printf("/dev/tty %d:%d\n", major(s.st_rdev), minor(s.st_rdev));
  FLAG(tcgetpgrp(tty) == getpid());
  FLAG(tcgetpgrp(master) == getpid());
  FLAG(tcgetsid(slave) == getpid());
  FLAG(tcgetsid(master) == getpid());
  struct stat node;
  int terminal = -1, front = -1;
  FILE* const about = fopen("/proc/self/stat", "r");
  NEED(about != NULL && fstat(slave, &node) == 0);
  NEED(fscanf(about, "%*d (%*[^)]) %*c %*d %*d %*d %d %d", &terminal, &front) == 2);
  fclose(about);
  FLAG((unsigned)terminal == node.st_rdev && front == getpid());
  RESULT(tcsetpgrp(slave, -1));
  RESULT(tcsetpgrp(slave, 1 << 20));
  RESULT(tcsetpgrp(slave, getpgrp()));

  /* Signals from the keyboard. */
  const int numbers[] = {SIGINT, SIGQUIT, SIGTSTP, SIGWINCH, SIGHUP, SIGCONT, SIGTTIN, SIGTTOU};
  for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; ++i) {
    struct sigaction action = {.sa_handler = count_signal};
    NEED(sigaction(numbers[i], &action, NULL) == 0);
  }
  type("dropped\003");
  while (signals[SIGINT] == 0) usleep(1000);
  RESULT(waiting(slave));
  type("\034\032");
  while (signals[SIGTSTP] == 0) usleep(1000);
  RESULT(signals[SIGQUIT]);
  show_all("echo", master);
  change(0, NOFLSH);
  type("kept\003\n");
  while (signals[SIGINT] == 1) usleep(1000);
  show_read("kept", slave, 100);
  change(NOFLSH, 0);
  struct winsize size = {30, 90, 0, 0};
  NEED(ioctl(master, TIOCSWINSZ, &size) == 0 && ioctl(master, TIOCSWINSZ, &size) == 0);
  RESULT(signals[SIGWINCH]);
  RESULT(ioctl(master, TIOCSIG, SIGINT));
  RESULT(signals[SIGINT]);
  change(ISIG, 0);
  type("\003\n");
  show_read("no signal", slave, 100);
  RESULT(signals[SIGINT]);
  show_all("echo", master);
  change(0, ISIG);

  /* A child in the background. */
  char* const arguments[] = {"terminal_sessions", "background", NULL};
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF);
  sigset_t set;
  sigfillset(&set);
  posix_spawnattr_setsigdefault(&attributes, &set);
  posix_spawnattr_setpgroup(&attributes, 0);
  pid_t child;
  NEED(posix_spawn(&child, self, NULL, &attributes, arguments, environ) == 0);
  int status;
  NEED(waitpid(child, &status, 0) == child);
  printf("background %x\n", status);
  show_all("its output", master);
  RESULT(ioctl(slave, TIOCNOTTY));
  RESULT(signals[SIGHUP]);
  RESULT(signals[SIGCONT]);
  RESULT(open("/dev/tty", O_RDWR));
  RESULT(ioctl(slave, TIOCNOTTY));
  RESULT(tcgetpgrp(slave));
  /* Opening it is enough for a leader without one. */
  const int again = open(name, O_RDWR);
  FLAG(again >= 0 && tcgetsid(again) == getpid());
  close(again);
  /* The other end goes. */
  close(master);
  RESULT(signals[SIGHUP]);
  RESULT(signals[SIGCONT]);
  RESULT(open("/dev/tty", O_RDWR));
  show_read("hung up", slave, 10);
  return 5;
}

static int background(void) {
  slave = 3, master = 4;
  RESULT(write(slave, "allowed\n", 8));
  signal(SIGTTIN, SIG_IGN);
  show_read("ignored", slave, 10);
  struct sigaction action = {.sa_handler = count_signal};
  NEED(sigaction(SIGTTIN, &action, NULL) == 0 && sigaction(SIGTTOU, &action, NULL) == 0);
  show_read("background", slave, 10);
  RESULT(signals[SIGTTIN]);
  struct termios t = settings();
  RESULT(tcsetattr(slave, TCSANOW, &t));
  RESULT(tcsetpgrp(slave, getpgrp()));
  RESULT(signals[SIGTTOU]);
  t.c_lflag |= TOSTOP;
  RESULT(tcsetattr(master, TCSANOW, &t));
  RESULT(tcflush(master, TCIFLUSH));
  RESULT(tcflush(slave, TCIFLUSH));
  signal(SIGTTOU, SIG_IGN);
  RESULT(tcsetattr(master, TCSANOW, &t));
  NEED(sigaction(SIGTTOU, &action, NULL) == 0);
  RESULT(write(slave, "forbidden\n", 10));
  signal(SIGTTOU, SIG_IGN);
  RESULT(write(slave, "ignored\n", 8));
  RESULT(tcsetpgrp(slave, getpgrp()));
  type("mine\n");
  show_read("foreground", slave, 10);
  RESULT(tcsetpgrp(slave, getppid()));
  t.c_lflag &= ~(tcflag_t)TOSTOP;
  NEED(tcsetattr(slave, TCSANOW, &t) == 0);
  return 6;
}

static void sessions(void) {
  open_pair();
  NEED(slave != 3 && dup2(master, 40) == 40 && dup2(slave, 41) == 41);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, 41, 3);
  posix_spawn_file_actions_adddup2(&actions, 40, 4);
  posix_spawn_file_actions_addclosefrom_np(&actions, 5);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
  char* const arguments[] = {"terminal_sessions", "session", NULL};
  pid_t child;
  NEED(posix_spawn(&child, self, &actions, &attributes, arguments, environ) == 0);
  close(master), close(40), close(slave), close(41);
  int status;
  NEED(waitpid(child, &status, 0) == child);
  printf("session %x\n", status);
}

int main(int count, char** arguments) {
  NEED(readlink("/proc/self/exe", self, 200) > 0);
  alarm(50);
  if (count > 1) return strcmp(arguments[1], "session") == 0 ? session() : background();
  /* So that the pair's descriptors are not those that the child expects. */
  NEED(open("/dev/null", O_RDONLY) >= 0);
  sessions();
  return 0;
}
