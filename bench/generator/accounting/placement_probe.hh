// Measures the round trip of a cache line between the calling thread and a thread on the server's
// core.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <thread>

namespace plumbline::generator {

enum class ProbeScheduling { kFifo, kNice, kOrdinary };

class PlacementProbe {
 public:
  // Starts a thread pinned to `core`. It sleeps except during measure(). To get the core from a
  // vCPU thread or a server that spins there it asks for SCHED_FIFO, else for nice -20; without
  // either it may wait for its turn, and measure() gives up at its deadline. Throws
  // std::system_error when the core does not exist.
  explicit PlacementProbe(int core);
  ~PlacementProbe();
  PlacementProbe(const PlacementProbe&) = delete;
  PlacementProbe& operator=(const PlacementProbe&) = delete;

  ProbeScheduling scheduling() const { return scheduling_; }
  // Median of ten batches of 100 round trips, in ns; nothing when the other core does not answer in
  // time.
  std::optional<double> measure();

 private:
  void serve();

  // Each on lines of its own (128: the adjacent-line prefetcher pairs lines).
  alignas(128) std::atomic<uint32_t> ping_{0};
  alignas(128) std::atomic<uint32_t> pong_{0};
  alignas(128) std::atomic<uint32_t> round_{0};  // the thread sleeps until this changes
  std::atomic<uint32_t> ended_{0};    // the last round the caller has given up or finished
  std::atomic<uint32_t> serving_{0};  // the last round the thread woke up for
  std::atomic<bool> stop_{false};
  ProbeScheduling scheduling_ = ProbeScheduling::kOrdinary;
  std::thread thread_;
};

}  // namespace plumbline::generator
