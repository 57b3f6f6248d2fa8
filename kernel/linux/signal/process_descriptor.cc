#include "linux/signal/process_descriptor.hh"

#include <string_view>

#include "linux/call.hh"
#include "linux/events/descriptors.hh"
#include "linux/process_table.hh"
#include "linux/signal/kill_calls.hh"

namespace plumbline::linux_abi {

const char ProcessDescriptor::kKind = 0;

PollEvents ProcessDescriptor::poll() {
  const LockGuard guard(process_table_lock());
  return process_->zombie ? kPollIn | kPollReadNormal : 0;
}

Result<Ref<Process>> ProcessDescriptor::of(File& file) {
  if (file.kind() == &kKind) return static_cast<ProcessDescriptor&>(file).process_;
  // An open /proc/PID serves as well; its path ends in the number.
  char text[32];
  const std::size_t length = file.vnode() != nullptr ? file.describe(text) : 0;
  std::string_view path(text, length < sizeof text ? length : 0);
  if (!path.starts_with("/proc/")) return Errno::kEBADF;
  path.remove_prefix(6);
  ProcessId id = 0;
  if (path.empty() || path.size() > 9) return Errno::kEBADF;
  for (const char digit : path) {
    if (digit < '0' || digit > '9') return Errno::kEBADF;
    id = 10 * id + static_cast<ProcessId>(digit - '0');
  }
  Ref<Process> process = find_process(id);
  if (!process) return Errno::kESRCH;
  return process;
}

namespace {

Result<int> call_pidfd_open(int id, unsigned flags) {
  if ((flags & ~kOpenNonblocking) != 0 || id <= 0) return Errno::kEINVAL;
  Ref<Process> process = find_process(static_cast<ProcessId>(id));
  // Tasks other than the first have no descriptors.
  if (!process) return find_task(static_cast<TaskId>(id)) ? Errno::kEINVAL : Errno::kESRCH;
  return open_new<ProcessDescriptor>(true, std::move(process), kOpenReadWrite | flags);
}

Status call_pidfd_send_signal(int descriptor, int signal, std::uint64_t address, unsigned flags) {
  if (flags != 0) return Errno::kEINVAL;
  const Result<Ref<File>> file = find_file(descriptor);
  if (!file) return file.error();
  const Result<Ref<Process>> process = ProcessDescriptor::of(**file);
  if (!process) return process.error();
  return send_to_process(**process, signal, address);
}

LINUX_CALL(424, pidfd_send_signal, call_pidfd_send_signal);
LINUX_CALL(434, pidfd_open, call_pidfd_open);

}  // namespace
}  // namespace plumbline::linux_abi
