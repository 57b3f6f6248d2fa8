#include "accounting/host_disturbance.hh"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <charconv>
#include <string>

namespace plumbline::generator {

uint64_t steal_ticks(std::string_view proc_stat, int core) {
  const std::string name = "\ncpu" + std::to_string(core) + " ";
  const size_t line = proc_stat.find(name);
  if (line == std::string_view::npos) return 0;
  size_t position = line + name.size();
  for (int field = 1; field < 8; ++field) {
    position = proc_stat.find_first_of(" \n", position);
    if (position == std::string_view::npos || proc_stat[position] == '\n') return 0;
    ++position;
  }
  uint64_t ticks = 0;
  std::from_chars(proc_stat.data() + position, proc_stat.data() + proc_stat.size(), ticks);
  return ticks;
}

HostDisturbance::HostDisturbance(int own_core, int other_core)
    : own_core_(own_core),
      other_core_(other_core),
      file_(open("/proc/stat", O_RDONLY | O_CLOEXEC)),
      tick_ns_(1'000'000'000u / static_cast<uint64_t>(sysconf(_SC_CLK_TCK))) {}

HostDisturbance::~HostDisturbance() {
  if (file_ >= 0) close(file_);
}

DisturbanceReading HostDisturbance::read() const {
  DisturbanceReading reading;
  timespec cpu{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu);
  reading.thread_cpu_ns =
      static_cast<uint64_t>(cpu.tv_sec) * 1'000'000'000u + static_cast<uint64_t>(cpu.tv_nsec);
  char text[16384];
  const ssize_t bytes = file_ < 0 ? -1 : pread(file_, text, sizeof text, 0);
  if (bytes > 0) {
    const std::string_view view(text, static_cast<size_t>(bytes));
    uint64_t ticks = steal_ticks(view, own_core_);
    if (other_core_ >= 0) ticks += steal_ticks(view, other_core_);
    reading.steal_ns = ticks * tick_ns_;
  }
  return reading;
}

}  // namespace plumbline::generator
