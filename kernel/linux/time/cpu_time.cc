#include "linux/time/cpu_time.hh"

#include "arch/x86_64/interrupts.hh"
#include "core/clock.hh"
#include "core/per_cpu.hh"
#include "linux/process_table.hh"
#include "sched/thread_state.hh"

namespace plumbline::linux_abi {
namespace {

std::uint64_t ticks(const Thread& thread) {
  // Masked, so that the thread is not switched out between the readings; another CPU's thread may
  // be, and then the result misses its last slice.
  const InterruptGuard masked;
  const std::uint64_t before = thread.run_ticks;
  if (cpu(thread.cpu).current != &thread) return before;
  const std::uint64_t now = tsc_now();
  return now > thread.switched_in ? before + (now - thread.switched_in) : before;
}

}  // namespace

Nanoseconds task_cpu_time(const Task& task) {
  const LockGuard guard(process_table_lock());
  // A task that has ended is in no list.
  if (!task.member_hook.linked()) return {};
  return tsc_to_nanoseconds(ticks(*task.thread));
}

Nanoseconds process_cpu_time(Process& process) {
  const LockGuard guard(process_table_lock());
  std::uint64_t sum = process.ended_ticks;
  for_each_task_locked(process, [&](const Task& task) {
    sum += ticks(*task.thread);
    return true;
  });
  return tsc_to_nanoseconds(sum);
}

Nanoseconds children_cpu_time(const Process& process) {
  const LockGuard guard(process_table_lock());
  return tsc_to_nanoseconds(process.children_ticks);
}

}  // namespace plumbline::linux_abi
