// Calls that this kernel refuses on purpose: what they would change or look into does not exist
// here. They are in the table so that they answer as a restricted Linux does, and are not reported
// as unknown.
#include "linux/call.hh"

namespace plumbline::linux_abi {
namespace {

template <Errno Error>
Status refuse() {
  return Error;
}

// The machine and its devices belong to the kernel alone.
LINUX_CALL(101, ptrace, refuse<Errno::kEPERM>);
LINUX_CALL(103, syslog, refuse<Errno::kEPERM>);
LINUX_CALL(153, vhangup, refuse<Errno::kEPERM>);
LINUX_CALL(155, pivot_root, refuse<Errno::kEPERM>);
LINUX_CALL(163, acct, refuse<Errno::kEPERM>);
LINUX_CALL(165, mount, refuse<Errno::kEPERM>);
LINUX_CALL(166, umount2, refuse<Errno::kEPERM>);
LINUX_CALL(167, swapon, refuse<Errno::kEPERM>);
LINUX_CALL(168, swapoff, refuse<Errno::kEPERM>);
LINUX_CALL(169, reboot, refuse<Errno::kEPERM>);
LINUX_CALL(170, sethostname, refuse<Errno::kEPERM>);
LINUX_CALL(171, setdomainname, refuse<Errno::kEPERM>);
LINUX_CALL(172, iopl, refuse<Errno::kEPERM>);
LINUX_CALL(173, ioperm, refuse<Errno::kEPERM>);
LINUX_CALL(175, init_module, refuse<Errno::kEPERM>);
LINUX_CALL(176, delete_module, refuse<Errno::kEPERM>);
LINUX_CALL(179, quotactl, refuse<Errno::kEPERM>);
LINUX_CALL(246, kexec_load, refuse<Errno::kEPERM>);
LINUX_CALL(272, unshare, refuse<Errno::kEPERM>);
LINUX_CALL(298, perf_event_open, refuse<Errno::kEACCES>);
LINUX_CALL(300, fanotify_init, refuse<Errno::kEPERM>);
LINUX_CALL(304, open_by_handle_at, refuse<Errno::kEPERM>);
LINUX_CALL(308, setns, refuse<Errno::kEPERM>);
LINUX_CALL(310, process_vm_readv, refuse<Errno::kEPERM>);
LINUX_CALL(311, process_vm_writev, refuse<Errno::kEPERM>);
LINUX_CALL(313, finit_module, refuse<Errno::kEPERM>);
LINUX_CALL(320, kexec_file_load, refuse<Errno::kEPERM>);
LINUX_CALL(321, bpf, refuse<Errno::kEPERM>);
LINUX_CALL(323, userfaultfd, refuse<Errno::kEPERM>);

// As a Linux answers that was built without them.
LINUX_CALL(139, sysfs, refuse<Errno::kENOSYS>);
LINUX_CALL(154, modify_ldt, refuse<Errno::kENOSYS>);
LINUX_CALL(156, _sysctl, refuse<Errno::kENOSYS>);
LINUX_CALL(206, io_setup, refuse<Errno::kENOSYS>);
LINUX_CALL(248, add_key, refuse<Errno::kENOSYS>);
LINUX_CALL(249, request_key, refuse<Errno::kENOSYS>);
LINUX_CALL(250, keyctl, refuse<Errno::kENOSYS>);
LINUX_CALL(312, kcmp, refuse<Errno::kENOSYS>);
LINUX_CALL(317, seccomp, refuse<Errno::kEINVAL>);
LINUX_CALL(425, io_uring_setup, refuse<Errno::kENOSYS>);
LINUX_CALL(426, io_uring_enter, refuse<Errno::kENOSYS>);
LINUX_CALL(427, io_uring_register, refuse<Errno::kENOSYS>);
LINUX_CALL(444, landlock_create_ruleset, refuse<Errno::kENOSYS>);
LINUX_CALL(445, landlock_add_rule, refuse<Errno::kENOSYS>);
LINUX_CALL(446, landlock_restrict_self, refuse<Errno::kENOSYS>);

// Nothing continues an interrupted call by a call of its own here; programs never make it.
LINUX_CALL(219, restart_syscall, refuse<Errno::kEINTR>);

}  // namespace
}  // namespace plumbline::linux_abi
