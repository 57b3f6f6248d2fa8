// What the host took away from a slice: time stolen by the hypervisor below, time the generator's
// thread was off its CPU.
#pragma once

#include <cstdint>
#include <string_view>

namespace plumbline::generator {

// Steal ticks of a core in the text of /proc/stat (proc(5): the eighth figure of "cpuN"); 0 when it
// is not there.
uint64_t steal_ticks(std::string_view proc_stat, int core);

struct DisturbanceReading {
  uint64_t steal_ns = 0;       // of the given cores, since boot
  uint64_t thread_cpu_ns = 0;  // of the calling thread
};

class HostDisturbance {
 public:
  // `other_core` < 0: none. Keeps /proc/stat open.
  HostDisturbance(int own_core, int other_core);
  ~HostDisturbance();
  HostDisturbance(const HostDisturbance&) = delete;
  HostDisturbance& operator=(const HostDisturbance&) = delete;
  DisturbanceReading read() const;

 private:
  int own_core_;
  int other_core_;
  int file_;
  uint64_t tick_ns_;
};

}  // namespace plumbline::generator
