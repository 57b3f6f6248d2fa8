#include "session/session.hh"

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "port/dpdk.hh"
#include "session/event.hh"
#include "session/populate.hh"
#include "session/received_packets.hh"
#include "session/run.hh"
#include "session/single_request.hh"
#include "session/tcp_commands.hh"

namespace plumbline::generator {

using nlohmann::json;

namespace {

// Whether a command needs the generator's TCP.
bool wants_tcp(const Command& command) {
  if (const auto* run = std::get_if<RunCommand>(&command.what))
    return transport_of(run->traffic) == Transport::kTcp;
  if (const auto* wait = std::get_if<WaitAnswerCommand>(&command.what))
    return wait->transport == Transport::kTcp;
  if (const auto* populate = std::get_if<PopulateCommand>(&command.what))
    return populate->transport == Transport::kTcp;
  const auto* ask = std::get_if<AskCommand>(&command.what);
  return ask != nullptr && ask->transport == Transport::kTcp;
}

// DPDK's vhost library looks at a new listening socket when its poll() of one second ends, not
// before; a QEMU that connects earlier waits, and its boot seems longer.
constexpr uint64_t kVhostListensAfterNs = 1'100'000'000;
// Between commands the port is looked at so often: an ARP request waits at most that long, and the
// core is nearly free.
constexpr std::chrono::microseconds kIdleWait{500};

const char* name_of(const std::unique_ptr<PlacementProbe>& probe) {
  if (!probe) return "none";
  switch (probe->scheduling()) {
    case ProbeScheduling::kFifo:
      return "fifo";
    case ProbeScheduling::kNice:
      return "nice";
    case ProbeScheduling::kOrdinary:
      break;
  }
  return "ordinary";
}

}  // namespace

void Session::serve(const Arguments& arguments) {
  const uint64_t started = monotonic_ns();
  emit({{"event", "ready"},
        {"version", 1},
        {"pid", getpid()},
        {"device", arguments.device_kind + ":" + arguments.device_path},
        {"core", context_.core},
        {"probeCore", context_.probe_core < 0 ? json(nullptr) : json(context_.probe_core)},
        {"probeScheduling", name_of(context_.probe)},
        {"dpdk", dpdk_version()},
        {"tscHz", tsc_hz()}});
  if (arguments.device_kind == "vhost") {
    while (monotonic_ns() - started < kVhostListensAfterNs && !context_.quit.load()) usleep(1000);
  }
  emit({{"event", "listening"}, {"atNs", monotonic_ns()}});
  while (!context_.quit.load()) {
    idle();
    const std::optional<Incoming> incoming = reader_.next(kIdleWait);
    if (!incoming) continue;
    if (incoming->error) {
      emit(error_event(incoming->error->id, "bad-command", incoming->error->what()));
      continue;
    }
    try {
      execute(*incoming->command);
    } catch (const CommandError& error) {
      emit(error_event(incoming->command->id, error.code, error.what()));
    } catch (const std::exception& error) {
      emit(error_event(incoming->command->id, "internal", error.what()));
    }
  }
}

void Session::idle() {
  ReceivedPackets packets(context_.port);
  for (const std::span<const uint8_t> frame : packets) context_.handle_other(frame);
  context_.check_link();
}

void Session::execute(const Command& command) {
  const bool tcp = wants_tcp(command);
  if (tcp && context_.offload == nullptr)
    throw CommandError("refused", "TCP needs a generator that was started with --tso on");
  // A stop is for the command that ran when it came; it answers for itself once that has ended.
  if (std::holds_alternative<StopCommand>(command.what)) {
    context_.stop.store(false);
    emit({{"event", "stopped"}, {"id", command.id}});
  } else if (const auto* wait = std::get_if<WaitAnswerCommand>(&command.what)) {
    const SingleAnswer answer =
        tcp ? wait_answer_over_tcp(context_, *wait) : wait_answer(context_, *wait);
    emit({{"event", "answered"},
          {"id", command.id},
          {"atNs", answer.at_ns},
          {"attempts", answer.attempts},
          {"text", answer.text}});
  } else if (const auto* question = std::get_if<AskCommand>(&command.what)) {
    const SingleAnswer answer = tcp ? ask_over_tcp(context_, *question) : ask(context_, *question);
    emit({{"event", "answer"},
          {"id", command.id},
          {"text", answer.text},
          {"retries", answer.attempts - 1}});
  } else if (const auto* population_wish = std::get_if<PopulateCommand>(&command.what)) {
    const Population population =
        tcp ? populate_over_tcp(context_, *population_wish) : populate(context_, *population_wish);
    emit({{"event", "populated"},
          {"id", command.id},
          {"keys", population.keys},
          {"valueBytes", population.value_bytes},
          {"retries", population.retries},
          {"durationNs", population.duration_ns}});
  } else if (const auto* run_command = std::get_if<RunCommand>(&command.what)) {
    json event = to_json(run(context_, *run_command, command.id));
    event["id"] = command.id;
    emit(event);
  } else if (std::holds_alternative<ProbeCommand>(command.what)) {
    if (!context_.probe) throw CommandError("refused", "no --probe-core was given");
    const std::optional<double> rtt = context_.probe->measure();
    emit({{"event", "probed"},
          {"id", command.id},
          {"placement", name_of(classify(rtt))},
          {"rttNs", rtt ? json(*rtt) : json(nullptr)}});
  } else if (std::holds_alternative<StatsCommand>(command.what)) {
    context_.take_own_loss();
    emit({{"event", "stats"},
          {"id", command.id},
          {"received", context_.port.received()},
          {"transmitted", context_.port.transmitted()},
          {"arpRequests", context_.arp_requests},
          {"arpReplies", context_.arp_replies},
          {"unexpected", context_.unexpected},
          {"ownLoss", context_.own_loss},
          {"linkUps", context_.link_ups}});
  }
}

}  // namespace plumbline::generator
