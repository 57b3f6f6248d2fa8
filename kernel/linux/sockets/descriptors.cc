#include "linux/sockets/descriptors.hh"

#include "linux/process.hh"
#include "linux/signal/signals.hh"
#include "linux/sockets/message.hh"
#include "linux/system/limits.hh"
#include "linux/task.hh"
#include "sync/lock_guard.hh"

namespace plumbline::linux_abi {

Result<int> install_descriptor(Ref<File> file, bool close_on_exec) {
  Process& process = current_process();
  const std::uint64_t limit = process.limits[kLimitFiles].current;
  const int most =
      limit > DescriptorTable::kMost ? DescriptorTable::kMost : static_cast<int>(limit);
  return process.descriptors->add(std::move(file), close_on_exec, 0, most);
}

void close_descriptor(int descriptor) { (void)current_process().descriptors->close(descriptor); }

Result<Ref<File>> file_of(int descriptor) { return current_process().descriptors->get(descriptor); }

PathStart path_start() {
  Process& process = current_process();
  const LockGuard guard(process.fs_lock);
  return {process.working_directory, {process.user, process.group_id}, process.umask};
}

void raise_broken_pipe() {
  SignalInformation information{};
  information.signal = 13;  // SIGPIPE
  // Sent by the kernel (SI_KERNEL would be 0x80; Linux says SI_USER here: send_sig with priv 0).
  information.code = 0;
  // The low half of the first field is the sender's process, the high half its user.
  const Process& process = current_process();
  information.fields[0] = process.id | std::uint64_t{process.user} << 32;
  (void)send_signal(current_task(), information);
}

ProcessCredentials current_credentials() {
  if (current_task_or_null() == nullptr) return {};
  const Process& process = current_process();
  return {static_cast<std::int32_t>(process.id), process.user, process.group_id};
}

}  // namespace plumbline::linux_abi
