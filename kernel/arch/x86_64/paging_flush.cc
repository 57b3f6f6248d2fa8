// Telling all TLBs.
#include <algorithm>
#include <atomic>

#include "arch/x86_64/cpu.hh"
#include "arch/x86_64/interrupts.hh"
#include "arch/x86_64/paging_entries.hh"
#include "arch/x86_64/paging_programs.hh"
#include "arch/x86_64/vectors.hh"
#include "core/assert.hh"
#include "core/clock.hh"
#include "core/idle.hh"
#include "core/panic.hh"
#include "core/per_cpu.hh"
#include "core/units.hh"

namespace plumbline::paging {
namespace {

// One request at a time: only the address space's holder makes them.
struct {
  std::atomic<std::uint64_t> number{0};
  std::uint64_t begin = 0, end = 0;
} request;

struct alignas(kCacheLine) Answer {
  std::atomic<std::uint64_t> number{0};
};
constinit Answer answers[kMaxCpus];

// A CPU that idles touches no program's memory, and an interrupt to a halted one costs 27 us and
// more on kvm_pvm: it flushes when it leaves the idle loop instead. Sequentially consistent
// exchanges: either the one who flushes sees that the CPU has left, or the CPU sees that it must
// flush.
enum Idling : std::uint8_t { kBusy, kIdle, kIdleAndStale };
struct alignas(kCacheLine) IdleState {
  std::atomic<std::uint8_t> value{kBusy};
};
constinit IdleState idle_states[kMaxCpus];

// True when CPU `index` idles, and has been told to flush afterwards.
bool leave_to_idle(unsigned index) {
  std::atomic<std::uint8_t>& state = idle_states[index].value;
  std::uint8_t expected = kIdle;
  return state.compare_exchange_strong(expected, kIdleAndStale, std::memory_order_seq_cst) ||
         expected == kIdleAndStale;
}

// On kvm_pvm both instructions cost 2.6 to 3.1 us, and reloading CR3 does for all pages at once.
void flush_here(std::uint64_t begin, std::uint64_t end) {
  if (begin == end) return;
  if (end - begin <= kPageSize) {
    invalidate_page(begin);
  } else {
    flush_this_cpu();
  }
}

void answer_request(void*) {
  // Acquire: the range was written before the number.
  const std::uint64_t number = request.number.load(std::memory_order_acquire);
  flush_here(request.begin, request.end);
  // Release: who sees the answer may reuse the pages; our accesses through the old translations
  // come before it.
  answers[this_cpu().index].number.store(number, std::memory_order_release);
}

// `idle_too`: page tables are about to be freed. A CPU may walk them at any time, speculating, and
// set accessed bits in what has become of them.
void flush_everywhere(std::uint64_t begin, std::uint64_t end, bool idle_too) {
  // "Here" must not change between the flush and the choice of the others.
  const PreemptionGuard pinned;
  flush_here(begin, end);
  const unsigned here = this_cpu().index, count = cpu_count();
  if (count == 1) return;
  // The others answer from an interrupt handler, so they must not wait for us: neither for a lock
  // that we hold nor, if they are on the way here themselves, for our answer.
  ASSERT(interrupts_enabled());
  request.begin = begin;
  request.end = end;
  const std::uint64_t number = request.number.load(std::memory_order_relaxed) + 1;
  request.number.store(number, std::memory_order_release);
  bool asked[kMaxCpus] = {};
  for (unsigned i = 0; i < count; ++i) {
    if (i == here || (!idle_too && leave_to_idle(i))) continue;
    asked[i] = true;
    send_interrupt(i, kFlushVector);
  }
  const Deadline deadline = Deadline::after(seconds(30));
  for (unsigned i = 0; i < count; ++i) {
    if (!asked[i]) continue;
    while (answers[i].number.load(std::memory_order_acquire) != number) {
      cpu_relax();
      if (deadline.passed()) panic("cpu %u has not answered a TLB flush for 30 s", i);
    }
  }
}

}  // namespace

PageFunctions page_functions;

void initialise_programs(const PageFunctions& functions) {
  page_functions = functions;
  set_fixed_vector(kFlushVector, answer_request, nullptr);
}

// Idle CPUs have passed a barrier, and pass another when they leave the idle loop.
void synchronise_cpus() { flush_everywhere(0, 0, false); }

void begin_idling() { idle_states[this_cpu().index].value.store(kIdle, std::memory_order_release); }

void end_idling() {
  if (idle_states[this_cpu().index].value.exchange(kBusy, std::memory_order_seq_cst) ==
      kIdleAndStale) {
    flush_this_cpu();
  }
}

void Changes::note(std::uint64_t begin, std::uint64_t end) {
  everywhere_ = true;
  note_wider(begin, end);
}

void Changes::note_wider(std::uint64_t begin, std::uint64_t end) {
  begin_ = std::min(begin_, begin);
  end_ = std::max(end_, end);
}

void Changes::free_later(PhysicalAddress page, unsigned order) {
  if (count_ == kMost) commit();
  blocks_[count_++] = page.value | order;
}

void Changes::free_table_later(PhysicalAddress table) {
  tables_ = true;
  free_later(table, 0);
}

void Changes::commit() {
  if (begin_ < end_) {
    if (everywhere_) {
      flush_everywhere(begin_, end_, tables_);
    } else {
      flush_here(begin_, end_);
    }
  }
  begin_ = ~std::uint64_t{0};
  end_ = 0;
  everywhere_ = tables_ = false;
  for (unsigned i = 0; i < count_; ++i) {
    page_functions.release({align_down(blocks_[i], kPageSize)},
                           static_cast<unsigned>(blocks_[i] % kPageSize));
  }
  count_ = 0;
}

}  // namespace plumbline::paging
