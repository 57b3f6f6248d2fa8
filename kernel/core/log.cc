#include "core/log.hh"

#include <algorithm>
#include <atomic>
#include <cstdarg>
#include <cstring>

#include "core/boot_options.hh"
#include "core/clock.hh"
#include "core/format.hh"
#include "core/log_ring.hh"
#include "core/per_cpu.hh"
#include "platform/platform.hh"
#include "sync/lock_guard.hh"
#include "sync/spinlock.hh"

namespace plumbline {
namespace {

BOOT_OPTION(bool, debug_messages, "log.debug", false, "also log messages for the developer");

constexpr std::size_t kRingSize = 16 * kKiB;
constexpr std::size_t kLongestLine = 400;
// What is written in one go: on kvm_pvm each byte to a serial port exits, string instructions too,
// and costs 35 us during which the CPU does nothing else.
constexpr std::size_t kSerialBlock = 8;
// To a serial port the log goes only after a pause, so that it does not hold up the first requests
// after the boot.
constexpr Nanoseconds kSerialPause = milliseconds(50);
constexpr std::size_t kBlock = 512;

Spinlock lock;
char ring[kRingSize];
// Counted since the boot; the position in the ring is the remainder.
std::uint64_t written, drained, lost;
std::atomic<std::uint64_t> last_write;  // monotonic nanoseconds
// Up to here the sink has finished: a panic repeats what was under way when it stopped the writing
// CPU.
std::uint64_t finished;
std::atomic<bool> draining{false};
std::atomic<LogSink> attached{nullptr};

void append(const char* text, std::size_t length) {
  const LockGuard guard(lock);
  if (written + length - drained > kRingSize) {
    // The oldest text goes: what led to a problem is at the end.
    const std::uint64_t drop = written + length - drained - kRingSize;
    drained += drop;
    lost += drop;
  }
  for (std::size_t i = 0; i < length; ++i) ring[(written + i) % kRingSize] = text[i];
  written += length;
  last_write.store(monotonic_now().count, std::memory_order_relaxed);
}

void write_line(const char* level, const char* format, std::va_list arguments) {
  char line[kLongestLine];
  const std::uint64_t microseconds = monotonic_now().count / 1000;
  std::size_t length = format_text(line, "[%3lu.%06lu] %s", microseconds / 1'000'000,
                                   microseconds % 1'000'000, level);
  length +=
      format_list(std::span(line).subspan(length, kLongestLine - length - 1), format, arguments);
  line[length++] = '\n';
  append(line, length);
}

// Takes up to `most` bytes out of the ring.
std::size_t take(char* buffer, std::size_t most) {
  const LockGuard guard(lock);
  if (lost != 0) {
    const std::size_t length = format_text(std::span(buffer, most), "[%lu bytes lost]\n", lost);
    lost = 0;
    return length;
  }
  const std::size_t n = std::min<std::uint64_t>(most, written - drained);
  for (std::size_t i = 0; i < n; ++i) buffer[i] = ring[(drained + i) % kRingSize];
  drained += n;
  return n;
}

}  // namespace

#define PLUMBLINE_LOG(name, level, condition) \
  void name(const char* format, ...) {        \
    if (!(condition)) return;                 \
    std::va_list arguments;                   \
    va_start(arguments, format);              \
    write_line(level, format, arguments);     \
    va_end(arguments);                        \
  }
PLUMBLINE_LOG(log_debug, "debug: ", debug_messages.get())
PLUMBLINE_LOG(log_info, "", true)
PLUMBLINE_LOG(log_warning, "warning: ", true)
PLUMBLINE_LOG(log_error, "error: ", true)
#undef PLUMBLINE_LOG

void log_raw(const char* format, ...) {
  char text[kLongestLine];
  std::va_list arguments;
  va_start(arguments, format);
  append(text, format_list(text, format, arguments));
  va_end(arguments);
}

void log_attach_sink(LogSink sink) { attached.store(sink, std::memory_order_release); }

bool log_drain_block() {
  const PreemptionGuard stay;
  // Acquire and release order the devices' own state between the CPUs that drain one after the
  // other.
  if (draining.exchange(true, std::memory_order_acquire)) return true;
  const LogSink sink = attached.load(std::memory_order_acquire);
  char block[kBlock];
  const std::size_t n = take(block, sink != nullptr ? kBlock : kSerialBlock);
  if (n != 0) (sink != nullptr ? sink : serial_write)({block, n});
  finished = drained;
  draining.store(false, std::memory_order_release);
  return n != 0;
}

void log_flush() {
  while (log_drain_block()) {
  }
}

bool log_has_text() {
  // Unlocked: the idle loop asks often, and a stale answer is corrected at its next round.
  return __atomic_load_n(&written, __ATOMIC_RELAXED) != __atomic_load_n(&drained, __ATOMIC_RELAXED);
}

Deadline log_drain_time() {
  if (attached.load(std::memory_order_relaxed) != nullptr) return {};
  return {Nanoseconds{last_write.load(std::memory_order_relaxed)} + kSerialPause};
}

void log_panic_flush() {
  if (draining.load(std::memory_order_relaxed)) drained = finished;
  // The locks' holders have been stopped, perhaps in the middle; nobody else runs any more.
  for (; drained < written; ++drained) {
    const std::size_t at = drained % kRingSize;
    const std::size_t n = std::min<std::uint64_t>(written - drained, kRingSize - at);
    serial_write({ring + at, n});
    drained += n - 1;
  }
}

}  // namespace plumbline
