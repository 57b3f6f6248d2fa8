/* Calls that few programs make: each once, with what those programs give it. */
#include <fcntl.h>
#include <linux/membarrier.h>
#include <linux/mempolicy.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "report.h"

int main(void) {
  char name[] = "rare-XXXXXX";
  const int file = mkstemp(name);
  NEED(file >= 0);
  struct iovec parts[2] = {{"ab", 2}, {"cde", 3}};
  RESULT(pwritev(file, parts, 2, 3));
  RESULT(pwritev(file, parts, 2, -1));
  RESULT(pwritev2(file, parts, 2, -1, 0));
  char text[20] = "";
  RESULT(pread(file, text, 20, 0));
  report_text("written", text + 3);
  RESULT(fchown(file, (uid_t)-1, (gid_t)-1));
  RESULT(fchown(99, 0, 0));
  RESULT(fchmod(file, 0640));
  struct stat s;
  NEED(fstat(file, &s) == 0);
  report_result("mode", s.st_mode);

  /* The node of an address; the policy itself. */
  int node = -1;
  RESULT(syscall(SYS_get_mempolicy, &node, NULL, 0, &node, MPOL_F_NODE | MPOL_F_ADDR));
  report_result("node", node);
  int policy = -1;
  RESULT(syscall(SYS_get_mempolicy, &policy, NULL, 0, NULL, 0));
  report_result("policy", policy);
  RESULT(syscall(SYS_get_mempolicy, &policy, NULL, 0, NULL, 0x8000));
  RESULT(syscall(SYS_set_mempolicy, MPOL_DEFAULT, NULL, 0));
  RESULT(syscall(SYS_set_mempolicy, 77, NULL, 0));

  RESULT(pkey_alloc(1, 0));
  RESULT(syscall(SYS_membarrier, 0x8000000, 0, 0));
  RESULT(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0));
  RESULT(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0));
  RESULT(syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0));
  RESULT(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0));
  RESULT(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0));
  RESULT(syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0));
  RESULT(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0));
  RESULT(syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0));
  RESULT(syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0));
  RESULT(syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 1, 0));
  RESULT(syscall(SYS_fadvise64, file, 0, 0, 99));
  RESULT(readahead(file, 0, 100));
  RESULT(sync_file_range(file, 0, 100, 0x8000));
  RESULT(syncfs(file));
  RESULT(syscall(SYS_personality, 0xffffffff));
  RESULT(unlink(name));
  return 0;
}
