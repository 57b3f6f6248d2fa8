#include "main/processors.hh"

#include <array>
#include <atomic>
#include <cstring>
#include <new>

#include "arch/x86_64/apic.hh"
#include "arch/x86_64/application.hh"
#include "arch/x86_64/descriptors.hh"
#include "arch/x86_64/paging.hh"
#include "arch/x86_64/smp.hh"
#include "arch/x86_64/vectors.hh"
#include "core/clock.hh"
#include "core/cpu_table.hh"
#include "core/idle.hh"
#include "core/log.hh"
#include "core/panic.hh"
#include "memory/heap.hh"
#include "memory/pages.hh"
#include "platform/platform.hh"
#include "sched/scheduler.hh"
#include "sched/thread.hh"
#include "sched/thread_state.hh"

namespace plumbline {
namespace {

constexpr const char* kIdleNames[kMaxCpus] = {"idle/0", "idle/1", "idle/2", "idle/3",
                                              "idle/4", "idle/5", "idle/6", "idle/7"};

std::array<CpuStart, kMaxCpus> starts;
std::atomic<unsigned> arrived{0};
std::atomic<bool> released{false};

// Memory of a CPU: its block and its tables in one piece.
struct CpuMemory {
  PerCpu block;
  CpuPrivate arch;
};

CpuStart prepare(unsigned index) {
  const PageBlock pages = allocate_pages(page_order_for(sizeof(CpuMemory)), Zeroed::kYes);
  const Stack stack = allocate_stack(kDefaultStackSize);
  auto* idle = new (std::nothrow) Thread;
  if (!pages || !stack || idle == nullptr) panic("no memory for cpu %u", index);
  auto* memory = static_cast<CpuMemory*>(pages.data);
  PerCpu& block = memory->block;
  block.self = &block;
  block.index = index;
  block.arch = &memory->arch;
  block.masked_by_host = this_cpu().masked_by_host;
  idle->name = kIdleNames[index];
  idle->stack = stack;
  block.current = idle;
  return {&block, to_physical(&block).value, stack.top};
}

[[noreturn]] void processor_main() {
  PerCpu& here = this_cpu();
  load_descriptors(*here.arch);
  here.apic_id = apic::initialise_cpu(kTimerVector);
  initialise_application_cpu();
  initialise_heap();
  scheduler::initialise_cpu(*here.current);
  // Release: the boot CPU reads what was set up, once it has counted us.
  arrived.fetch_add(1, std::memory_order_release);
  while (!released.load(std::memory_order_acquire)) cpu_relax();
  paging::flush_this_cpu();
  if (here.masked_by_host == 0) asm volatile("sti");
  scheduler::idle_loop();
}

}  // namespace

void start_processors(std::span<const std::uint32_t> apic_ids) {
  std::array<std::uint32_t, kMaxCpus> others;
  unsigned count = 0;
  for (const std::uint32_t id : apic_ids) {
    if (id == this_cpu().apic_id) continue;
    if (count + 1 == kMaxCpus) {
      log_warning("%zu cpus found, %u are used", apic_ids.size(), kMaxCpus);
      break;
    }
    others[count++] = id;
  }
  if (count == 0) return;
  for (unsigned i = 0; i < count; ++i) {
    starts[i] = prepare(i + 1);
    add_cpu(*starts[i].block);
  }
  const std::span ids(others.data(), count);
  start_cpus(ids, starts, processor_main);
  const Nanoseconds begin = monotonic_now();
  bool repeated = false;
  while (arrived.load(std::memory_order_acquire) != count) {
    cpu_relax();
    const Nanoseconds waited = monotonic_now() - begin;
    // Real hardware may miss the first start-up interrupt (SDM volume 3, 9.4.4).
    if (!repeated && waited > milliseconds(200) && platform().kind != PlatformKind::kKvmPvm) {
      start_cpus_again(ids);
      repeated = true;
    }
    if (waited > seconds(10)) {
      panic("%u of %u cpus did not start within 10 s",
            count - arrived.load(std::memory_order_relaxed), count);
    }
  }
}

void release_processors() { released.store(true, std::memory_order_release); }

}  // namespace plumbline
