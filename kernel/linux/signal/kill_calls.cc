// Sending from programs: kill(2), tgkill(2), rt_sigqueueinfo(2).
#include "linux/signal/kill_calls.hh"

#include "linux/call.hh"
#include "linux/process_table.hh"
#include "linux/signal/signal_numbers.hh"
#include "linux/signal/signals.hh"
#include "memory/application_memory.hh"

namespace plumbline::linux_abi {
namespace {

// kill(2): root may send to everyone, others to processes of their own user.
bool may_signal(const Process& target) {
  const Process& sender = current_process();
  return sender.user == 0 || sender.user == target.user || &sender == &target;
}

SignalInformation from_here(unsigned signal, int code) {
  const Process& sender = current_process();
  return sent_signal(signal, code, sender.id, sender.user);
}

// Signal 0 only asks whether one could.
Status send_checked(Process& process, const SignalInformation& information) {
  if (!may_signal(process)) return Errno::kEPERM;
  return information.signal == 0 ? Status{} : send_signal(process, information);
}

Status send_checked(Task& task, const SignalInformation& information) {
  if (!may_signal(*task.process)) return Errno::kEPERM;
  return information.signal == 0 ? Status{} : send_signal(task, information);
}

// The process whose number, or the number of one of whose tasks, this is.
Ref<Process> process_of(std::uint32_t id) {
  if (Ref<Process> process = find_process(id)) return process;
  if (Ref<Task> task = find_task(id)) return task->process;
  return {};
}

// Sends to all that `chosen` accepts. kESRCH when there are none, else the best outcome.
template <typename Chosen>
Status send_to_all(const SignalInformation& information, Chosen chosen) {
  Status outcome = Errno::kESRCH;
  bool sent = false;
  for (Ref<Process> process = next_process(0); process; process = next_process(process->id)) {
    if (!chosen(*process)) continue;
    const Status status = send_checked(*process, information);
    if (status) sent = true;
    outcome = status;
  }
  return sent ? Status{} : outcome;
}

Status call_kill(int number, int signal) {
  if (signal < 0 || signal > static_cast<int>(kSignals)) return Errno::kEINVAL;
  const SignalInformation information = from_here(static_cast<unsigned>(signal), kCodeUser);
  if (number > 0) {
    const Ref<Process> process = process_of(static_cast<std::uint32_t>(number));
    return process ? send_checked(*process, information) : Errno::kESRCH;
  }
  if (number == -1) {
    // All but init and the sender.
    return send_to_all(information, [](const Process& process) {
      return process.id > 1 && &process != &current_process();
    });
  }
  const ProcessId group =
      number == 0 ? current_process().group : 0u - static_cast<std::uint32_t>(number);
  return send_to_all(information,
                     [group](const Process& process) { return process.group == group; });
}

// A task, of the process `group` unless that is 0.
Status send_to_task(std::uint32_t group, int number, const SignalInformation& information) {
  const Ref<Task> task = find_task(static_cast<std::uint32_t>(number));
  if (!task || (group != 0 && task->process->id != group)) return Errno::kESRCH;
  return send_checked(*task, information);
}

Status call_tgkill(int group, int number, int signal) {
  if (group <= 0 || number <= 0 || signal < 0 || signal > static_cast<int>(kSignals))
    return Errno::kEINVAL;
  return send_to_task(static_cast<std::uint32_t>(group), number,
                      from_here(static_cast<unsigned>(signal), kCodeTaskKill));
}

Status call_tkill(int number, int signal) {
  if (number <= 0 || signal < 0 || signal > static_cast<int>(kSignals)) return Errno::kEINVAL;
  return send_to_task(0, number, from_here(static_cast<unsigned>(signal), kCodeTaskKill));
}

// What a program claims about a signal it queues: never to come from the kernel or from kill.
Result<SignalInformation> claimed(std::uint64_t address, int signal, std::uint32_t target) {
  Result<SignalInformation> given = load_application<SignalInformation>(address);
  if (!given) return given.error();
  if (signal < 0 || signal > static_cast<int>(kSignals)) return Errno::kEINVAL;
  const int code = (*given).code;
  if ((code >= 0 || code == kCodeTaskKill) && target != current_process().id) return Errno::kEPERM;
  (*given).signal = signal;
  return given;
}

Status call_rt_sigqueueinfo(int number, int signal, std::uint64_t address) {
  const auto target = static_cast<std::uint32_t>(number);
  const Result<SignalInformation> information = claimed(address, signal, target);
  if (!information) return information.error();
  const Ref<Process> process = number > 0 ? process_of(target) : Ref<Process>{};
  return process ? send_checked(*process, *information) : Errno::kESRCH;
}

Status call_rt_tgsigqueueinfo(int group, int number, int signal, std::uint64_t address) {
  if (group <= 0 || number <= 0) return Errno::kEINVAL;
  const auto target = static_cast<std::uint32_t>(group);
  const Result<SignalInformation> information = claimed(address, signal, target);
  if (!information) return information.error();
  return send_to_task(target, number, *information);
}

LINUX_CALL(62, kill, call_kill);
LINUX_CALL(129, rt_sigqueueinfo, call_rt_sigqueueinfo);
LINUX_CALL(200, tkill, call_tkill);
LINUX_CALL(234, tgkill, call_tgkill);
LINUX_CALL(297, rt_tgsigqueueinfo, call_rt_tgsigqueueinfo);

}  // namespace
Status send_to_process(Process& process, int signal, std::uint64_t address) {
  SignalInformation information = from_here(static_cast<unsigned>(signal), kCodeUser);
  if (address != 0) {
    const Result<SignalInformation> given = claimed(address, signal, process.id);
    if (!given) return given.error();
    // It may not name another signal than the call does.
    const Result<std::int32_t> named = load_application<std::int32_t>(address);
    if (!named || *named != signal) return Errno::kEINVAL;
    information = *given;
  } else if (signal < 0 || signal > static_cast<int>(kSignals)) {
    return Errno::kEINVAL;
  }
  const Ref<Process> listed = find_process(process.id);
  return listed.get() == &process ? send_checked(process, information) : Errno::kESRCH;
}

}  // namespace plumbline::linux_abi
