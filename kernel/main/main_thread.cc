#include "main/main_thread.hh"

#include <span>
#include <string_view>

#include "core/boot_options.hh"
#include "core/clock.hh"
#include "core/init_calls.hh"
#include "core/log.hh"
#include "core/panic.hh"
#include "main/provoke.hh"
#include "sched/thread.hh"

extern "C" {
extern const plumbline::InitCall __start_init_calls[], __stop_init_calls[];
extern const plumbline::Application __start_applications[], __stop_applications[];
}

namespace plumbline {
namespace {

BOOT_OPTION(std::string_view, application_name, "run", "none",
            "the application to start; none stays idle");

std::span<const Application> applications() { return {__start_applications, __stop_applications}; }

const Application* find_application(std::string_view name) {
  for (const Application& application : applications()) {
    if (name == application.name) return &application;
  }
  return nullptr;
}

}  // namespace

void main_thread(void*) {
  const Nanoseconds begin = monotonic_now();
  const std::string_view name = application_name.get();
  const Application* application = find_application(name);
  if (application == nullptr && name != "none") {
    log_error("boot option 'run': there is no application '%.*s'; this kernel has:",
              static_cast<int>(name.size()), name.data());
    for (const Application& known : applications()) log_raw("  %s\n", known.name);
    log_raw("  none\n");
    power_off(ExitCode::kBadOption);
  }
  for (unsigned level = 0; level <= static_cast<unsigned>(InitLevel::kService); ++level) {
    for (const InitCall* call = __start_init_calls; call != __stop_init_calls; ++call) {
      if (static_cast<unsigned>(call->level) == level) call->function();
    }
  }
  log_info("main thread after %lu us, devices after %lu us", begin.count / 1000,
           monotonic_now().count / 1000);
  provoke_failure();
  if (application == nullptr) {
    sleep_until(Deadline::never());
    return;
  }
  application->main();
  power_off(ExitCode::kOk);
}

}  // namespace plumbline
