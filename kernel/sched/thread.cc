#include "sched/thread.hh"

#include <new>

#include "arch/x86_64/context.hh"
#include "core/assert.hh"
#include "core/per_cpu.hh"
#include "memory/heap.hh"
#include "sched/exits.hh"
#include "sched/scheduler.hh"
#include "sched/thread_state.hh"
#include "sync/wait_queue.hh"

namespace plumbline {
namespace {

// All joiners wait here: a thread that wakes its joiners must not touch its own Thread any more,
// which the first of them frees.
constinit WaitQueue exits;

}  // namespace

void announce_exit(Thread& thread) {
  if (thread.ended != nullptr) {
    thread.ended(&thread);
    return;
  }
  // Release: what the thread did is visible to who joins it.
  thread.finished.store(true, std::memory_order_release);
  exits.wake_all();
}

Thread* create_thread(const ThreadOptions& options, void (*function)(void*), void* argument) {
  const Stack stack = allocate_stack(options.stack_size);
  if (!stack) return nullptr;
  auto* thread = new (std::nothrow) Thread;
  if (thread == nullptr) {
    free_stack(stack);
    return nullptr;
  }
  thread->stack = stack;
  thread->name = options.name;
  thread->function = function;
  thread->argument = argument;
  thread->stack_pointer = prepare_context(stack.top);
  thread->ended = options.ended;
  thread->moves = options.moves;
  thread->allowed_cpus = options.allowed_cpus;
  if (options.cpu != kAnyCpu) {
    ASSERT_MSG(static_cast<unsigned>(options.cpu) < cpu_count(), "spawn: no such CPU");
    thread->allowed_cpus = std::uint64_t{1} << options.cpu;
  }
  return thread;
}

void start_thread(Thread& thread) { scheduler::start(thread, scheduler::choose_cpu(thread)); }

void free_thread(Thread* thread) {
  free_stack(thread->stack);
  delete thread;
}

Thread* spawn(const ThreadOptions& options, void (*function)(void*), void* argument) {
  Thread* thread = create_thread(options, function, argument);
  if (thread != nullptr) start_thread(*thread);
  return thread;
}

void join(Thread* thread) {
  ASSERT(thread != current());
  exits.wait_until([&] { return thread->finished.load(std::memory_order_acquire); });
  free_thread(thread);
}

void request_attention(Thread& thread, std::uint32_t work) {
  // Before the wake, and the other way round in who looks: prepares to block, then reads the flags.
  thread.application.work.fetch_or(work, std::memory_order_seq_cst);
  scheduler::attract(thread);
}

void yield() { scheduler::yield(); }

void sleep_until(Deadline deadline) {
  // Only the deadline ends it; anything else that makes the thread runnable is not for this sleep.
  while (!deadline.passed()) {
    scheduler::prepare_to_block();
    scheduler::block(deadline);
  }
}

const char* thread_name(const Thread* thread) { return thread->name; }

}  // namespace plumbline
