// Small programs without a process: what the call path and the interrupts' ways back do to their
// registers and their stack.
#include <atomic>

#include "arch/x86_64/application.hh"
#include "core/clock.hh"
#include "linux/call.hh"
#include "memory/address.hh"
#include "memory/address_space.hh"
#include "memory/application_memory.hh"
#include "memory/application_words.hh"
#include "sched/scheduler.hh"
#include "sched/thread.hh"
#include "sched/thread_state.hh"
#include "sched/timer.hh"
#include "tests/crew.hh"
#include "tests/guest_test.hh"

extern "C" {
extern const char test_programs[], test_programs_end[];
extern const char test_program_trap[], test_program_stub[], test_program_red_zone[],
    test_program_calls[], test_program_one_call[];
extern const char keep_in_red_zone[], keep_in_red_zone_end[];
extern const char application_call[];
}

namespace plumbline {
namespace {

// program_guest_test_code.S knows the layout.
struct ProgramRun {
  std::uint64_t failures = 0;
  std::uint64_t entry = 0;
  std::uint64_t rounds = 0;
  std::uint64_t seed = 0;
  std::uint64_t red_zone_function = 0;
  std::uint64_t number = 0;
  std::uint64_t entries[6] = {};
};

// How stubs reach the kernel: by an entry for each call, by the one for all, near and where the
// kernel is linked to.
enum class Entries { kOwn, kCommon, kLinked };
constexpr unsigned kFirstCall = 505;

constexpr AddressOwner kTestOwner = 0x7e57;

std::atomic<std::uint64_t> end_of_test;

Result<long> test_yield(std::uint64_t a, std::uint64_t b, std::uint64_t c, std::uint64_t d,
                        std::uint64_t e, std::uint64_t f) {
  yield();
  // What the program put into the argument registers.
  return static_cast<long>(b - a != 1 || c - a != 2 || d - a != 3 || e - a != 4 || f - a != 5);
}
Result<long> test_nothing() { return 0; }
Result<long> test_more() {
  return static_cast<long>(monotonic_now().count < end_of_test.load(std::memory_order_relaxed));
}
Result<long> test_end() {
  release_application_thread(current()->application);
  scheduler::exit_current();
}

// Whether the code that this is inlined into runs where calls are to run.
[[gnu::always_inline]] inline bool is_near() {
  std::uint64_t here;
  asm volatile("lea (%%rip), %0" : "=r"(here));
  return linked_address(here) != here;
}

// Calls that began near, and of those the ones that something moved to the linked address. An
// interrupt may do so at any instruction, so a single call proves nothing.
std::atomic<std::uint64_t> began_near, moved;

// A way each round in which a call meets pages that are not there. Where it goes on behind a fault
// is the linked address, so there is one fault a call.
Result<long> test_faults(std::uint64_t round) {
  constexpr std::uint64_t kNothing = kApplicationBegin;
  const bool near = is_near();
  std::uint32_t word = 0;
  std::byte bytes[100] = {};
  bool good = false;
  switch (round % 6) {
    case 0:
      good = !load_word(word, kNothing) && !is_near();
      break;
    case 1:
      good = !load_word_atomically(word, kNothing);
      break;
    case 2:
      good = copy_from_application(bytes, kNothing, sizeof bytes) == 0;
      break;
    case 3:
      good = copy_to_application(kNothing, bytes, 1) == 0;
      break;
    case 4:
      // The kernel itself is there to be read, and is no program's memory.
      good = !load_application<std::uint64_t>(near_address(application_call)) &&
             !store_application(near_address(&end_of_test), 0l);
      break;
    default: {
      MapRequest request{.owner = kTestOwner, .length = kPageSize};
      request.protection = kProtectRead | kProtectWrite;
      const auto page = address_space::map(request);
      std::uint64_t back = ~round;
      // Another thread's fault may have brought this page as well.
      good = page && store_word(*page, round) && load_word(back, *page) && back == round &&
             address_space::unmap(*page, kPageSize);
      break;
    }
  }
  if (near) {
    began_near.fetch_add(1, std::memory_order_relaxed);
    if (!is_near()) moved.fetch_add(1, std::memory_order_relaxed);
  }
  return static_cast<long>(!good);
}

// Until an interrupt moves it to the linked address. It has to go on there with what it had.
Result<long> test_interrupted(std::uint64_t round) {
  if (!is_near()) return 0;
  began_near.fetch_add(1, std::memory_order_relaxed);
  std::uint64_t sum = round, steps = 0;
  while (is_near()) {
    sum += ++steps;
    if (monotonic_now().count > end_of_test.load(std::memory_order_relaxed)) return 0;
  }
  moved.fetch_add(1, std::memory_order_relaxed);
  return static_cast<long>(sum != round + steps * (steps + 1) / 2);
}

LINUX_CALL(505, test_faults, test_faults);
LINUX_CALL(506, test_interrupted, test_interrupted);
LINUX_CALL(507, test_nothing, test_nothing);
LINUX_CALL(508, test_yield, test_yield);
LINUX_CALL(509, test_more, test_more);
LINUX_CALL(510, test_end, test_end);

Result<std::uint64_t> map_pages(unsigned count, std::uint8_t protection) {
  MapRequest request;
  request.owner = kTestOwner;
  request.length = count * kPageSize;
  request.protection = protection;
  request.small_pages = true;
  return address_space::map(request);
}

// Where the test programs were copied to.
std::uint64_t place_programs() {
  const std::size_t length = static_cast<std::size_t>(test_programs_end - test_programs);
  const std::size_t red_zone_length =
      static_cast<std::size_t>(keep_in_red_zone_end - keep_in_red_zone);
  const auto place = map_pages(2, kProtectRead | kProtectWrite | kProtectExecute);
  if (!place || length > kPageSize || red_zone_length > kPageSize) return 0;
  CHECK_EQUAL(copy_to_application(*place, test_programs, length), length);
  CHECK_EQUAL(copy_to_application(*place + kPageSize, keep_in_red_zone, red_zone_length),
              red_zone_length);
  return *place;
}

struct Start {
  const char* program;
  std::uint64_t code;
  // One page, and what it is filled with from the top: the block, then the stack.
  std::uint64_t page;
  std::uint64_t stack_pointer;
};

std::uint64_t block_of(const Start& start) { return start.page + kPageSize - sizeof(ProgramRun); }

void run_program(void* argument) {
  const Start start = *static_cast<const Start*>(argument);
  if (!prepare_application_thread(current()->application)) return;
  ApplicationRegisters registers{};
  registers.rip = start.code + static_cast<std::uint64_t>(start.program - test_programs);
  registers.rdi = block_of(start);
  registers.rsp = start.stack_pointer;
  enter_application(registers);
}

// Runs `program` in `count` threads over all CPUs; returns the failures that it counted.
std::uint64_t run_programs(const char* program, unsigned count, std::uint64_t stack_offset,
                           std::uint64_t rounds = 0, std::uint64_t number = 0,
                           Entries entries = Entries::kOwn) {
  linux_abi::initialise_calls();
  const auto entry_of = [entries](unsigned call) {
    if (entries == Entries::kOwn) return linux_abi::call_entries()[call];
    return entries == Entries::kCommon ? near_address(application_call)
                                       : reinterpret_cast<std::uint64_t>(application_call);
  };
  const std::uint64_t code = place_programs();
  CHECK(code != 0);
  Start starts[16];
  Thread* threads[16];
  for (unsigned i = 0; i < count; ++i) {
    // The page below stays free: whatever is written there faults.
    const auto pages = map_pages(2, kProtectRead | kProtectWrite);
    CHECK(pages);
    CHECK(address_space::unmap(*pages, kPageSize));
    starts[i] = {program, code, *pages + kPageSize, *pages + kPageSize + stack_offset};
    ProgramRun run{.entry = entry_of(number),
                   .rounds = rounds,
                   .seed = (i + 1) * 0x10000,
                   .red_zone_function = code + kPageSize,
                   .number = number};
    for (unsigned call = 0; call < std::size(run.entries); ++call)
      run.entries[call] = entry_of(kFirstCall + call);
    CHECK(store_application(block_of(starts[i]), run));
    threads[i] = spawn({.name = "program", .moves = true}, run_program, &starts[i]);
    CHECK(threads[i] != nullptr);
  }
  std::uint64_t failures = 0;
  for (unsigned i = 0; i < count; ++i) {
    join(threads[i]);
    const auto run = load_application<ProgramRun>(block_of(starts[i]));
    CHECK(run);
    failures += run->failures;
    CHECK(run->rounds > 0);
  }
  address_space::unmap_owner(kTestOwner);
  return failures;
}

void set_time(Nanoseconds span) {
  end_of_test.store((monotonic_now() + span).count, std::memory_order_relaxed);
}

// On every CPU a thread that lets timers interrupt whatever runs next, at ever other distances;
// each interrupt leaves work to do.
class Torture {
 public:
  Torture() {
    for (unsigned i = 0; i < cpu_count(); ++i) {
      threads_[i] = spawn({.name = "torture", .cpu = static_cast<int>(i)}, run, this);
      CHECK(threads_[i] != nullptr);
    }
  }
  ~Torture() {
    stop_.store(true, std::memory_order_relaxed);
    for (unsigned i = 0; i < cpu_count(); ++i) join(threads_[i]);
  }

 private:
  static void run(void* argument) {
    auto& torture = *static_cast<Torture*>(argument);
    Random random(this_cpu().index + 1);
    while (!torture.stop_.load(std::memory_order_relaxed)) {
      Timer timers[24];
      for (Timer& timer : timers) {
        timer.start(
            Deadline::after(nanoseconds(random.below(2'000'000))),
            [](void*) { current()->application.work.fetch_or(kWorkSignal); }, nullptr);
      }
      yield();
      for (Timer& timer : timers) timer.cancel();
    }
  }

  std::atomic<bool> stop_{false};
  Thread* threads_[kMaxCpus] = {};
};

}  // namespace

GUEST_TEST(program_registers_survive_calls_by_trap) {
  set_time(milliseconds(60));
  CHECK_EQUAL(run_programs(test_program_trap, 2 * cpu_count(), 2048), 0);
}

GUEST_TEST(program_registers_survive_calls_by_stub) {
  set_time(milliseconds(60));
  CHECK_EQUAL(run_programs(test_program_stub, 2 * cpu_count(), 2048), 0);
}

GUEST_TEST(program_registers_survive_calls_at_the_linked_address) {
  set_time(milliseconds(60));
  CHECK_EQUAL(run_programs(test_program_stub, 2 * cpu_count(), 2048, 0, 0, Entries::kLinked), 0);
}

GUEST_TEST(program_registers_survive_calls_by_the_common_entry) {
  set_time(milliseconds(60));
  CHECK_EQUAL(run_programs(test_program_stub, 2 * cpu_count(), 2048, 0, 0, Entries::kCommon), 0);
}

GUEST_TEST(program_calls_near_meet_missing_pages) {
  set_time(milliseconds(60));
  CHECK_EQUAL(run_programs(test_program_one_call, 2 * cpu_count(), 2048, 0, 505), 0);
  CHECK(began_near.exchange(0) > 0);
  CHECK(moved.exchange(0) > 0);
}

GUEST_TEST(program_calls_near_go_on_after_interrupts) {
  set_time(milliseconds(300));
  const Torture torture;
  CHECK_EQUAL(run_programs(test_program_one_call, 2 * cpu_count(), 2048, 0, 506), 0);
  CHECK(began_near.exchange(0) > 0);
  CHECK(moved.exchange(0) > 0);
}

GUEST_TEST(program_registers_survive_interrupts) {
  set_time(milliseconds(300));
  const Torture torture;
  CHECK_EQUAL(run_programs(test_program_stub, 2 * cpu_count(), 2048), 0);
}

GUEST_TEST(program_red_zone_survives_interrupts) {
  set_time(milliseconds(300));
  const Torture torture;
  // A call, six registers, the red zone; below is no page.
  CHECK_EQUAL(run_programs(test_program_red_zone, 2 * cpu_count(), 8 + 6 * 8 + 128), 0);
}

GUEST_TEST(program_calls_survive_interrupts) {
  const Torture torture;
  CHECK_EQUAL(run_programs(test_program_calls, 2 * cpu_count(), 2048, 1'000'000), 0);
}

GUEST_TEST(program_calls_by_the_common_entry_survive_interrupts) {
  const Torture torture;
  CHECK_EQUAL(
      run_programs(test_program_calls, 2 * cpu_count(), 2048, 1'000'000, 0, Entries::kCommon), 0);
}

}  // namespace plumbline
