// Runs all guest tests and prints TAP (Test Anything Protocol, version
// 14).
#include <cstdarg>
#include <cstring>
#include <span>
#include <string_view>

#include "core/boot_options.hh"
#include "core/clock.hh"
#include "core/format.hh"
#include "core/init_calls.hh"
#include "core/log.hh"
#include "core/panic.hh"
#include "core/per_cpu.hh"
#include "tests/guest_test.hh"

extern "C" {
extern const plumbline::GuestTest __start_guest_tests[], __stop_guest_tests[];
}

namespace plumbline {
namespace {

BOOT_OPTION(std::string_view, only, "tests.only", "",
            "run the tests whose names contain this text");

unsigned failed_checks;
const char* skip_reason;

void run_tests() {
  const std::span all(__start_guest_tests, __stop_guest_tests);
  unsigned count = 0, failed = 0;
  for (const GuestTest& test : all) {
    if (std::string_view(test.name).find(only.get()) != std::string_view::npos) ++count;
  }
  log_raw("TAP version 14\n1..%u\n", count);
  log_flush();
  unsigned number = 0;
  for (const GuestTest& test : all) {
    if (std::string_view(test.name).find(only.get()) == std::string_view::npos) continue;
    failed_checks = 0;
    skip_reason = nullptr;
    const Nanoseconds begin = monotonic_now();
    test.function();
    const std::uint64_t us = (monotonic_now() - begin).count / 1000;
    if (failed_checks != 0) ++failed;
    log_raw("%sok %u - %s # %s%s%s%lu us, %u cpus\n", failed_checks == 0 ? "" : "not ", ++number,
            test.name, skip_reason != nullptr ? "SKIP " : "",
            skip_reason != nullptr ? skip_reason : "", skip_reason != nullptr ? ", " : "", us,
            cpu_count());
    log_flush();
  }
  power_off(failed == 0 && count != 0 ? ExitCode::kOk : ExitCode::kTestsFailed);
}

APPLICATION("tests", run_tests);

}  // namespace

void guest_test_skip(const char* reason) { skip_reason = reason; }

void guest_test_failed(const char* file, int line, const char* format, ...) {
  __atomic_fetch_add(&failed_checks, 1, __ATOMIC_RELAXED);
  char text[300];
  std::va_list arguments;
  va_start(arguments, format);
  format_list(text, format, arguments);
  va_end(arguments);
  log_raw("# %s:%d: %s\n", file, line, text);
}

}  // namespace plumbline
