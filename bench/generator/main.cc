// plumbline-generator: see README.md beside this file for the protocol and how requests are
// accounted for.
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <exception>
#include <nlohmann/json.hpp>

#include "arguments.hh"
#include "port/damaged_port.hh"
#include "port/offload_port.hh"
#include "session/command_reader.hh"
#include "session/context.hh"
#include "session/event.hh"
#include "session/session.hh"

namespace {

using namespace plumbline::generator;

std::atomic<bool> stop_wish{false};
std::atomic<bool> quit_wish{false};

void on_signal(int) { quit_wish.store(true); }

int serve(const Arguments& arguments) {
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  signal(SIGPIPE, SIG_IGN);  // a reader that has gone is an error of write()

  // The probe's thread before DPDK, which pins the calling thread and lets threads started later
  // inherit that.
  std::unique_ptr<PlacementProbe> probe;
  if (arguments.probe_core >= 0) probe = std::make_unique<PlacementProbe>(arguments.probe_core);
  static CommandReader reader(stop_wish, quit_wish);

  const DeviceKind kind =
      arguments.device_kind == "vhost" ? DeviceKind::kVhost : DeviceKind::kPacket;
  const DeviceDescription device{kind, arguments.device_path, arguments.queues};
  std::unique_ptr<Port> port;
  OffloadPort* offload = nullptr;
  if (arguments.tso) {
    std::unique_ptr<OffloadPort> opened = open_offload_port(device, arguments.core);
    offload = opened.get();
    port = std::move(opened);
  } else {
    port = open_port(device, arguments.core);
  }
  if (arguments.damage) port = std::make_unique<DamagedPort>(std::move(port), *arguments.damage);
  Context context(*port, offload, arguments, std::move(probe), stop_wish, quit_wish);
  Session(context, reader).serve(arguments);
  return 0;
}

}  // namespace

int main(int count, char** values) {
  int status = 0;
  try {
    const std::optional<Arguments> arguments = parse_arguments(count, values);
    if (!arguments) {
      std::fputs(usage(), stdout);
      return 0;
    }
    claim_standard_output();
    status = serve(*arguments);
  } catch (const std::invalid_argument& error) {
    std::fprintf(stderr, "plumbline-generator: %s\n", error.what());
    status = 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "plumbline-generator: %s\n", error.what());
    try {
      emit(error_event(std::nullopt, "set-up", error.what(), true));
    } catch (const std::exception&) {
      // Nobody listens; the message is in the log.
    }
    status = 1;
  }
  // Not exit(): the reader's thread still sits in read() and uses what static destructors would
  // take away.
  std::fflush(nullptr);
  _exit(status);
}
