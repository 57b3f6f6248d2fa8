/*
 * The first process of the Linux guest: loads the virtio drivers, sets the network up, runs the
 * program whose arguments stand in /program.arguments (each ended by a zero byte), and ends the
 * machine when the program ends. It is the whole user space besides the program, so that the guest
 * runs nothing that our kernel does not.
 *
 * Arguments (after "--" on the kernel's command line), all optional:
 *   address=A.B.C.D/N   the guest's address; without it there is no network
 *   neighbour=A.B.C.D,xx:xx:xx:xx:xx:xx   a static ARP entry
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* QEMU's isa-debug-exit device: QEMU ends with the status (value << 1) | 1. */
enum { kDebugExitPort = 0xf4, kExitOk = 0x10, kExitFailed = 0x11 };
enum { kMillisecondsToWait = 10000 };
/* What a kernel permits at most by default (fs.nr_open). */
enum { kOpenFiles = 1 << 20 };

__attribute__((noreturn)) static void end_machine(int value) {
  fflush(NULL);
  sync();
  if (ioperm(kDebugExitPort, 1, 1) == 0) outb((unsigned char)value, kDebugExitPort);
  reboot(RB_AUTOBOOT); /* without the device: QEMU's -no-reboot makes this the end */
  for (;;) pause();
}

__attribute__((noreturn, format(printf, 1, 2))) static void fail(const char* format, ...) {
  int error = errno;
  va_list arguments;
  va_start(arguments, format);
  fputs("plumbline-init: ", stdout);
  vprintf(format, arguments);
  va_end(arguments);
  printf(": %s\n", strerror(error));
  end_machine(kExitFailed);
}

/* The value of argument `name=value`, or a default. */
static const char* argument(char** argv, const char* name, const char* otherwise) {
  size_t length = strlen(name);
  for (; *argv != NULL; argv++) {
    if (strncmp(*argv, name, length) == 0 && (*argv)[length] == '=') return *argv + length + 1;
  }
  return otherwise;
}

static void mount_kernel_file_systems(void) {
  if (mount("proc", "/proc", "proc", 0, NULL) != 0) fail("mount /proc");
  if (mount("sysfs", "/sys", "sysfs", 0, NULL) != 0) fail("mount /sys");
  if (mount("devtmpfs", "/dev", "devtmpfs", 0, NULL) != 0) fail("mount /dev");
}

/* /modules/order lists the files in the order of their dependencies. */
static void load_modules(void) {
  FILE* order = fopen("/modules/order", "r");
  if (order == NULL) fail("/modules/order");
  char name[256];
  while (fgets(name, sizeof name, order) != NULL) {
    name[strcspn(name, "\n")] = '\0';
    char path[300];
    snprintf(path, sizeof path, "/modules/%s", name);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0 || syscall(SYS_finit_module, file, "", 0) != 0) fail("module %s", name);
    close(file);
  }
  fclose(order);
}

/* The name of the first network interface besides the loopback. */
static bool find_interface(char name[IFNAMSIZ]) {
  DIR* directory = opendir("/sys/class/net");
  if (directory == NULL) return false;
  bool found = false;
  for (struct dirent* entry; !found && (entry = readdir(directory)) != NULL;) {
    if (entry->d_name[0] == '.' || strcmp(entry->d_name, "lo") == 0 ||
        strlen(entry->d_name) >= IFNAMSIZ)
      continue;
    strcpy(name, entry->d_name);
    found = true;
  }
  closedir(directory);
  return found;
}

static void set_address(int fd, struct ifreq* request, unsigned long command,
                        struct in_addr address) {
  struct sockaddr_in internet = {.sin_family = AF_INET, .sin_addr = address};
  memcpy(&request->ifr_addr, &internet, sizeof internet);
  if (ioctl(fd, command, request) != 0) fail("%s: address", request->ifr_name);
}

static void bring_up(int fd, struct ifreq* request) {
  if (ioctl(fd, SIOCGIFFLAGS, request) != 0) fail("%s: flags", request->ifr_name);
  request->ifr_flags |= IFF_UP;
  if (ioctl(fd, SIOCSIFFLAGS, request) != 0) fail("%s: up", request->ifr_name);
}

static void add_neighbour(int fd, const char* device, const char* text) {
  char address[INET_ADDRSTRLEN];
  unsigned char mac[6];
  struct arpreq entry = {.arp_flags = ATF_PERM | ATF_COM};
  struct sockaddr_in internet = {.sin_family = AF_INET};
  errno = EINVAL;
  if (sscanf(text, "%15[0-9.],%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", address, &mac[0], &mac[1], &mac[2],
             &mac[3], &mac[4], &mac[5]) != 7 ||
      inet_pton(AF_INET, address, &internet.sin_addr) != 1) {
    fail("neighbour=%s", text);
  }
  memcpy(&entry.arp_pa, &internet, sizeof internet);
  entry.arp_ha.sa_family = ARPHRD_ETHER;
  memcpy(entry.arp_ha.sa_data, mac, sizeof mac);
  strncpy(entry.arp_dev, device, sizeof entry.arp_dev - 1);
  if (ioctl(fd, SIOCSARP, &entry) != 0) fail("neighbour=%s", text);
}

static void set_up_network(char** argv, const char* text) {
  char digits[INET_ADDRSTRLEN];
  int prefix;
  struct in_addr address;
  errno = EINVAL;
  if (sscanf(text, "%15[0-9.]/%d", digits, &prefix) != 2 ||
      inet_pton(AF_INET, digits, &address) != 1 || prefix < 1 || prefix > 32) {
    fail("address=%s", text);
  }
  struct ifreq loopback = {.ifr_name = "lo"}, device = {0};
  for (int waited = 0; !find_interface(device.ifr_name); waited++) {
    errno = ENODEV;
    if (waited == kMillisecondsToWait) fail("no network interface");
    usleep(1000);
  }
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket");
  bring_up(fd, &loopback);
  set_address(fd, &device, SIOCSIFADDR, address);
  set_address(fd, &device, SIOCSIFNETMASK, (struct in_addr){.s_addr = htonl(~0u << (32 - prefix))});
  bring_up(fd, &device);
  const char* neighbour = argument(argv, "neighbour", NULL);
  if (neighbour != NULL) add_neighbour(fd, device.ifr_name, neighbour);
  close(fd);
}

/* Becomes the child that runs the program of /program.arguments; its end is ours. */
__attribute__((noreturn)) static void run_program(void) {
  static char text[4096];
  char* words[64];
  int count = 0;
  int file = open("/program.arguments", O_RDONLY | O_CLOEXEC);
  ssize_t length = file < 0 ? -1 : read(file, text, sizeof text - 1);
  if (length <= 0) fail("/program.arguments");
  for (char* word = text; word < text + length && count < 63; word += strlen(word) + 1)
    words[count++] = word;
  words[count] = NULL;
  pid_t child = fork();
  if (child < 0) fail("fork");
  if (child == 0) {
    /* The kernel gives its first process 4,096, fewer than the connections of some workloads. */
    struct rlimit files = {.rlim_cur = kOpenFiles, .rlim_max = kOpenFiles};
    if (setrlimit(RLIMIT_NOFILE, &files) != 0) fail("RLIMIT_NOFILE");
    execv(words[0], words);
    fail("%s", words[0]);
  }
  int status = 0;
  /* Whatever else ends (nothing should) is reaped; nothing runs here while the program does. */
  while (waitpid(-1, &status, 0) != child) {
  }
  if (WIFSIGNALED(status)) {
    printf("plumbline-init: the program was killed by signal %d\n", WTERMSIG(status));
  } else if (status != 0) {
    printf("plumbline-init: the program ended with status %d\n", WEXITSTATUS(status));
  }
  end_machine(status == 0 ? kExitOk : kExitFailed);
}

int main(int argc, char** argv) {
  (void)argc;
  mount_kernel_file_systems();
  /* The console that the kernel opened before /dev was there is ours already. */
  setvbuf(stdout, NULL, _IOLBF, 0);
  const char* address = argument(argv + 1, "address", NULL);
  if (address != NULL) {
    load_modules();
    set_up_network(argv + 1, address);
  }
  run_program();
}
