// The simulator's command line: runs a matrix of impairments, dialogues and seeds.
#include <sanitizer/common_interface_defs.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/simulator/link_options.hh"
#include "net/simulator/simulation.hh"

using namespace plumbline;
using namespace plumbline::net;
using namespace plumbline::net::simulator;

namespace {

constexpr char kHelp[] =
    R"(tcp_simulator: two hosts with the project's TCP over a path with impairments, in virtual time

  --impairment NAME|all    the path (default all)
  --application NAME|all   what is said (default all)
  --seed N                 the seed, or the first of them (default 1)
  --seeds N                how many seeds of each case (default 1)
  --bytes N                about as many are sent in a case (default 300000)
  --list                   names of impairments and applications

  One case:
  --pcap FILE              writes what is sent, before anything happens to it, for Wireshark
  --trace                  every segment that is sent, with its fate
  --verbose                figures of each case

  --plain                  hosts without the variety that the seed gives them
  --congestion cubic|reno  of both hosts
  --no-segmentation        no TSO

  Changes to the path, both ways:
)";
constexpr char kHelpEnd[] = R"(
Exits with 0 when all cases pass, 1 when one fails, 2 for a mistake on the command line. A case that
fails prints the command that repeats it.
)";

struct CommandLine {
  std::string impairment = "all", application = "all", pcap;
  uint64_t seed = 1, seeds = 1, bytes = 300'000;
  bool verbose = false, trace = false, plain = false, no_segmentation = false;
  std::optional<tcp::CongestionAlgorithm> congestion;
  LinkOptions path;
  std::string hosts;  // the options that change hosts, as given
};

[[noreturn]] void mistake(const std::string& text) {
  std::fprintf(stderr, "tcp_simulator: %s\nSee tcp_simulator --help.\n", text.c_str());
  std::exit(2);
}

template <typename T>
T number(std::string_view option, std::string_view text, T least, T most) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < least || value > most)
    mistake(std::string(option) + " " + std::string(text) + ": a number from " +
            std::to_string(least) + " to " + std::to_string(most) + " is needed");
  return value;
}

void list() {
  std::puts("impairments:");
  for (const Impairment& one : impairments())
    std::printf("  %-18s %s\n", std::string(one.name).c_str(), std::string(one.text).c_str());
  std::puts("applications:");
  for (const DialogueKind& one : dialogue_kinds())
    std::printf("  %-18s %s\n", std::string(one.name).c_str(), std::string(one.text).c_str());
}

CommandLine parse(int count, char** arguments) {
  CommandLine line;
  for (int i = 1; i < count; ++i) {
    const std::string_view option = arguments[i];
    if (option == "--help" || option == "-h") {
      std::printf("%s%s%s", kHelp, LinkOptions::help(), kHelpEnd);
      std::exit(0);
    }
    if (option == "--list") {
      list();
      std::exit(0);
    }
    if (option == "--verbose") {
      line.verbose = true;
    } else if (option == "--trace") {
      line.trace = true;
    } else if (option == "--plain") {
      line.plain = true;
      line.hosts += " --plain";
    } else if (option == "--no-segmentation") {
      line.no_segmentation = true;
      line.hosts += " --no-segmentation";
    } else {
      if (i + 1 == count) mistake(std::string(option) + ": unknown, or its value is missing");
      const std::string_view value = arguments[++i];
      constexpr uint64_t kMost = uint64_t{1} << 40;
      if (option == "--impairment") {
        line.impairment = value;
      } else if (option == "--application") {
        line.application = value;
      } else if (option == "--pcap") {
        line.pcap = value;
      } else if (option == "--seed") {
        line.seed = number<uint64_t>(option, value, 0, ~uint64_t{0});
      } else if (option == "--seeds") {
        line.seeds = number<uint64_t>(option, value, 1, kMost);
      } else if (option == "--bytes") {
        line.bytes = number<uint64_t>(option, value, 1, kMost);
      } else if (option == "--congestion") {
        line.congestion = tcp::congestion_algorithm(value);
        if (!line.congestion) mistake("--congestion: cubic or reno");
        line.hosts += " --congestion " + std::string(value);
      } else {
        std::string error;
        if (!line.path.take(option, value, error))
          mistake(std::string(option) + ": unknown option");
        if (!error.empty()) mistake(error);
      }
    }
  }
  return line;
}

template <typename T>
std::vector<const T*> chosen(std::span<const T> all, const std::string& name, const char* what) {
  std::vector<const T*> result;
  for (const T& one : all)
    if (name == "all" || one.name == name) result.push_back(&one);
  if (result.empty()) mistake(std::string(what) + " " + name + ": there is none; see --list");
  return result;
}

struct Case {
  const Impairment& impairment;
  const DialogueKind& kind;
  uint64_t seed;
};

SimulationOptions options_of(const CommandLine& line, const Case& one) {
  SimulationOptions options;
  options.seed = one.seed;
  Random random = Random(one.seed).fork(100);
  options.path = one.impairment.path(random);
  line.path.apply(options.path.forward);
  line.path.apply(options.path.backward);
  options.dialogues = one.kind.make(random, line.bytes);
  choose_hosts(Random(one.seed).fork(101), options.client, options.server);
  if (line.plain) {
    for (HostOptions* host : {&options.client, &options.server}) {
      HostOptions plain;
      plain.address = host->address;
      plain.segmentation = 61440;
      *host = plain;
    }
  }
  for (HostOptions* host : {&options.client, &options.server}) {
    if (line.congestion) host->congestion = *line.congestion;
    if (line.no_segmentation) host->segmentation = 0;
  }
  options.pcap = line.pcap;
  options.trace = line.trace;
  // Slow paths need their time: what is sent, at the rate there is, many times over.
  for (const LinkConditions* link : {&options.path.forward, &options.path.backward})
    if (link->rate != 0) options.deadline += seconds(line.bytes * 8 * 20 / link->rate);
  return options;
}

// The case that runs, for when the stack's assertions or a sanitizer end the process.
std::string running;

void name_running_case() {
  constexpr std::string_view kIntroduction = "ENDED IN: ";
  // What else could be done about a failed write here?
  if (write(STDERR_FILENO, kIntroduction.data(), kIntroduction.size()) > 0 &&
      write(STDERR_FILENO, running.data(), running.size()) > 0)
    static_cast<void>(write(STDERR_FILENO, "\n", 1) > 0);
}

std::string repeat(const CommandLine& line, const Case& one) {
  return "tcp_simulator --impairment " + std::string(one.impairment.name) + " --application " +
         std::string(one.kind.name) + " --seed " + std::to_string(one.seed) + " --bytes " +
         std::to_string(line.bytes) + line.hosts + line.path.text();
}

void show(const SimulationResult& result) {
  const auto side = [](const char* name, const EndpointFigures& figures,
                       const tcp::Statistics& statistics, const LinkCounters& link) {
    std::printf(
        "  %s: %llu segments, %llu with %llu bytes of data; again %llu (%llu bytes, %llu "
        "needless): evidence %llu, probe %llu, time-out %llu (stack: %llu); link lost %llu, "
        "queue %llu, reordered %llu, damaged %llu; dropped for memory %llu, window %llu, "
        "timestamp %llu\n",
        name, static_cast<unsigned long long>(figures.segments),
        static_cast<unsigned long long>(figures.data_segments),
        static_cast<unsigned long long>(figures.data_bytes),
        static_cast<unsigned long long>(figures.again_segments),
        static_cast<unsigned long long>(figures.again_bytes),
        static_cast<unsigned long long>(figures.needless_bytes),
        static_cast<unsigned long long>(figures.by_evidence),
        static_cast<unsigned long long>(figures.by_probe),
        static_cast<unsigned long long>(figures.by_timeout),
        static_cast<unsigned long long>(statistics.timeouts),
        static_cast<unsigned long long>(link.lost),
        static_cast<unsigned long long>(link.queue_dropped),
        static_cast<unsigned long long>(link.reordered),
        static_cast<unsigned long long>(link.corrupted),
        static_cast<unsigned long long>(statistics.receive_full),
        static_cast<unsigned long long>(statistics.out_of_window),
        static_cast<unsigned long long>(statistics.bad_timestamp));
  };
  const double time = static_cast<double>(result.finished.count) / 1e9;
  std::printf("  %.3f s, %llu bytes received, %.3f Mbit/s, %llu events\n", time,
              static_cast<unsigned long long>(result.received),
              time == 0 ? 0 : static_cast<double>(result.received) * 8 / 1e6 / time,
              static_cast<unsigned long long>(result.events));
  side("client", result.client, result.client_statistics, result.forward);
  side("server", result.server, result.server_statistics, result.backward);
}

}  // namespace

int main(int count, char** arguments) {
  const CommandLine line = parse(count, arguments);
  const auto paths = chosen(impairments(), line.impairment, "--impairment");
  const auto kinds = chosen(dialogue_kinds(), line.application, "--application");
  const uint64_t cases = paths.size() * kinds.size() * line.seeds;
  if (!line.pcap.empty() && cases != 1) mistake("--pcap: of one case only");
  __sanitizer_set_death_callback(name_running_case);
  std::signal(SIGABRT, [](int) { name_running_case(); });
  uint64_t failed = 0, done = 0, events = 0;
  const auto started = std::chrono::steady_clock::now();
  auto told = started;
  for (uint64_t seed = line.seed; seed != line.seed + line.seeds; ++seed) {
    for (const Impairment* path : paths) {
      for (const DialogueKind* kind : kinds) {
        const Case one{*path, *kind, seed};
        const std::string command = repeat(line, one);
        running = command;
        if (line.verbose) {
          std::printf("%s\n", command.c_str());
          std::fflush(stdout);
        }
        const SimulationResult result = simulate(options_of(line, one));
        ++done;
        events += result.events;
        if (!result.trouble.empty()) mistake(result.trouble);
        if (line.verbose) show(result);
        if (!result.violations.none()) {
          ++failed;
          std::printf("FAILED: %s\n", command.c_str());
          for (const auto& violation : result.violations.kept())
            std::printf("  at %.6f s: %s\n", static_cast<double>(violation.time.count) / 1e9,
                        violation.text.c_str());
          if (result.violations.count() > result.violations.kept().size())
            std::printf("  and %zu more\n",
                        result.violations.count() - result.violations.kept().size());
          std::fflush(stdout);
        }
        const auto now = std::chrono::steady_clock::now();
        if (now - told > std::chrono::seconds(10)) {
          told = now;
          std::fprintf(
              stderr, "%llu of %llu cases, %llu failed\n", static_cast<unsigned long long>(done),
              static_cast<unsigned long long>(cases), static_cast<unsigned long long>(failed));
        }
      }
    }
  }
  const double time =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  std::printf("%llu cases, %llu failed; %.1f s, %.0f events/s\n",
              static_cast<unsigned long long>(done), static_cast<unsigned long long>(failed), time,
              static_cast<double>(events) / time);
  return failed == 0 ? 0 : 1;
}
