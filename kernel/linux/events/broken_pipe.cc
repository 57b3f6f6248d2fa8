// SIGPIPE for whoever writes to a pipe or socket that nobody will read.
#include "core/init_calls.hh"
#include "fs/pipe.hh"
#include "linux/signal/signal_numbers.hh"
#include "linux/signal/signals.hh"
#include "linux/task.hh"

namespace plumbline::linux_abi {
namespace {

void send_broken_pipe() {
  Task* task = current_task_or_null();
  if (task == nullptr) return;
  const Process& process = *task->process;
  static_cast<void>(send_signal(*task, sent_signal(kSIGPIPE, kCodeUser, process.id, process.user)));
}

void listen_for_broken_pipes() { on_broken_pipe = send_broken_pipe; }

INIT_CALL(InitLevel::kService, listen_for_broken_pipes);

}  // namespace
}  // namespace plumbline::linux_abi
