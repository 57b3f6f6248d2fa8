#include "accounting/placement_probe.hh"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <system_error>

namespace plumbline::generator {

namespace {

using Clock = std::chrono::steady_clock;

constexpr uint32_t kBatches = 10;
constexpr uint32_t kRoundTripsPerBatch = 100;
// Waking a thread on another virtual CPU takes 30 to 100 us here; a server that cannot be preempted
// keeps its core for a scheduler period of some ms.
constexpr auto kWakeDeadline = std::chrono::milliseconds(5);
constexpr auto kPingDeadline = std::chrono::milliseconds(3);

void futex(std::atomic<uint32_t>& word, int operation, uint32_t value) {
  static_assert(sizeof(std::atomic<uint32_t>) == sizeof(uint32_t));
  ::syscall(SYS_futex, &word, operation | FUTEX_PRIVATE_FLAG, value, nullptr, nullptr, 0);
}

}  // namespace

PlacementProbe::PlacementProbe(int core) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(static_cast<size_t>(core), &cores);
  std::atomic<int> state{-1};
  thread_ = std::thread([this, cores, &state] {
    const int error = pthread_setaffinity_np(pthread_self(), sizeof cores, &cores);
    if (error != 0) {
      state.store(error);
      return;
    }
    const sched_param fifo{.sched_priority = 1};
    if (pthread_setschedparam(pthread_self(), SCHED_FIFO, &fifo) == 0) {
      scheduling_ = ProbeScheduling::kFifo;
    } else if (setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), -20) == 0) {
      scheduling_ = ProbeScheduling::kNice;
    }
    state.store(0);
    serve();
  });
  while (state.load() < 0) std::this_thread::yield();
  if (state.load() > 0) {
    thread_.join();
    throw std::system_error(state.load(), std::generic_category(),
                            "probe thread on core " + std::to_string(core));
  }
}

PlacementProbe::~PlacementProbe() {
  stop_.store(true);
  round_.fetch_add(1);
  futex(round_, FUTEX_WAKE, 1);
  thread_.join();
}

void PlacementProbe::serve() {
  uint32_t seen = 0;
  for (;;) {
    while (round_.load() == seen) futex(round_, FUTEX_WAIT, seen);
    if (stop_.load()) return;
    seen = round_.load();
    serving_.store(seen);
    uint32_t last = 0;
    // Until the caller says that this round is over: it may have given up before this thread ever
    // ran.
    while (ended_.load(std::memory_order_relaxed) != seen) {
      const uint32_t ping = ping_.load(std::memory_order_acquire);
      if (ping != last) {
        last = ping;
        pong_.store(ping, std::memory_order_release);
      }
    }
  }
}

std::optional<double> PlacementProbe::measure() {
  ping_.store(0);
  pong_.store(0);
  const uint32_t round = round_.fetch_add(1) + 1;
  futex(round_, FUTEX_WAKE, 1);
  std::array<double, kBatches> batches{};
  bool complete = true;
  const auto wake_deadline = Clock::now() + kWakeDeadline;
  while (serving_.load(std::memory_order_acquire) != round) {
    if (Clock::now() > wake_deadline) {
      complete = false;
      break;
    }
  }
  const auto deadline = Clock::now() + kPingDeadline;
  uint32_t ping = 0;
  for (uint32_t batch = 0; complete && batch < kBatches; ++batch) {
    const auto start = Clock::now();
    for (uint32_t i = 0; complete && i < kRoundTripsPerBatch; ++i) {
      ping_.store(++ping, std::memory_order_release);
      // The clock is read only on a wait that is much too long already.
      for (uint32_t spins = 0; pong_.load(std::memory_order_acquire) != ping; ++spins) {
        if ((spins & 0xfff) == 0xfff && Clock::now() > deadline) {
          complete = false;
          break;
        }
      }
    }
    batches[batch] = std::chrono::duration<double, std::nano>(Clock::now() - start).count() /
                     kRoundTripsPerBatch;
  }
  ended_.store(round);
  if (!complete) return std::nullopt;
  // An interrupt on either side spoils a batch, not the median.
  std::nth_element(batches.begin(), batches.begin() + kBatches / 2, batches.end());
  return batches[kBatches / 2];
}

}  // namespace plumbline::generator
