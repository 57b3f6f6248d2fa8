// A thread as the scheduler sees it.
#pragma once

#include <atomic>
#include <cstdint>

#include "arch/x86_64/application.hh"
#include "core/intrusive_queue.hh"
#include "memory/stacks.hh"
#include "sched/timer.hh"

namespace plumbline {

enum class ThreadState : std::uint32_t {
  kRunning,   // running, or in a run queue
  kBlocking,  // running, has announced that it will block
  kBlocked,   // off the CPU, waiting for a wake
  kDead,      // has returned
};

class Thread {
 public:
  std::uint64_t stack_pointer = 0;  // while switched out
  Stack stack;
  const char* name = "";
  // Where it runs or will run next; changed by that CPU, with its run queue's lock.
  unsigned cpu = 0;
  // A bit for each CPU it may run on; one of them exists. Under the run queue's lock.
  std::uint64_t allowed_cpus = ~std::uint64_t{0};
  // May go to another CPU after its start.
  bool moves = false;
  std::atomic<ThreadState> state{ThreadState::kRunning};
  QueueHook run_hook;
  // When the thread got the CPU, and how long it has had it in all, in TSC ticks.
  std::uint64_t switched_in = 0;
  std::uint64_t run_ticks = 0;
  void (*function)(void*) = nullptr;
  void* argument = nullptr;
  Timer sleep_timer;
  std::atomic<bool> timed_out{false};
  // What a thread of a program has besides.
  ApplicationState application;
  // ThreadOptions::ended
  void (*ended)(Thread*) = nullptr;
  // Set when it has left its stack for the last time.
  std::atomic<bool> finished{false};
};

}  // namespace plumbline
