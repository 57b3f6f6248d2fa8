#include "arguments.hh"

#include <sched.h>

#include <charconv>
#include <map>
#include <stdexcept>
#include <string_view>

namespace plumbline::generator {

namespace {

int parse_core(const std::string& name, std::string_view text) {
  int core = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), core);
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  sched_getaffinity(0, sizeof allowed, &allowed);
  if (error != std::errc() || end != text.data() + text.size() || core < 0 || core >= CPU_SETSIZE ||
      !CPU_ISSET(static_cast<size_t>(core), &allowed)) {
    std::string cores;
    for (int i = 0; i < CPU_SETSIZE; ++i) {
      if (CPU_ISSET(static_cast<size_t>(i), &allowed))
        cores += (cores.empty() ? "" : ", ") + std::to_string(i);
    }
    throw std::invalid_argument(name + " '" + std::string(text) + "': allowed are the cores " +
                                cores);
  }
  return core;
}

// DROP,CUT,SEED: two shares that are at most 1 together, and a number.
DamageShares parse_damage(const std::string& text) {
  DamageShares shares;
  const char* at = text.data();
  const char* const last = at + text.size();
  bool good = true;
  const auto take = [&](auto& value, bool more) {
    const auto [end, error] = std::from_chars(at, last, value);
    good = good && error == std::errc() && (more ? end != last && *end == ',' : end == last);
    at = end + (more && end != last ? 1 : 0);
  };
  take(shares.drop, true);
  take(shares.cut, true);
  take(shares.seed, false);
  if (!good || !(shares.drop >= 0) || !(shares.cut >= 0) || !(shares.drop + shares.cut <= 1)) {
    throw std::invalid_argument(
        "--damage '" + text +
        "': expected DROP,CUT,SEED, two shares that are at most 1 together and a number");
  }
  return shares;
}

uint16_t parse_queues(const std::string& text, bool vhost) {
  uint16_t queues = 0;
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, queues);
  // DPDK's packet device here has one socket.
  const uint16_t most = vhost ? kMaximumQueues : 1;
  if (error != std::errc() || end != last || queues < 1 || queues > most) {
    throw std::invalid_argument("--queues '" + text + "': allowed are 1 to " +
                                std::to_string(kMaximumQueues) + " with vhost:, 1 with packet:");
  }
  return queues;
}

bool parse_switch(const std::string& name, const std::string& text) {
  if (text != "on" && text != "off")
    throw std::invalid_argument(name + " '" + text + "': allowed are on and off");
  return text == "on";
}

template <class T>
T require(const std::string& name, const std::string& text, std::optional<T> value,
          const char* example) {
  if (!value)
    throw std::invalid_argument(name + " '" + text + "': expected something like " + example);
  return *value;
}

}  // namespace

const char* usage() {
  return "usage: plumbline-generator --device vhost:SOCKET|packet:INTERFACE --core N\n"
         "                           [--probe-core M] [--ip A] [--mac A] [--peer-ip A] [--peer-mac "
         "A]\n"
         "\n"
         "Reads commands (JSON lines) on standard input, writes events on standard output.\n"
         "  --device      vhost: listen on a vhost-user socket for QEMU; packet: use a network "
         "interface\n"
         "  --core        the core that the generator polls on, alone\n"
         "  --probe-core  the server's core: probe where it is, seen from --core\n"
         "  --queues      queue pairs offered to the guest, polled in turn; a source port keeps to "
         "one (1)\n"
         "  --tso         on: TCP, whose checksums and segmentation are left to the other end "
         "(off)\n"
         "  --damage      DROP,CUT,SEED: lose and cut short such shares of the packets sent (for "
         "soaks)\n"
         "  --ip, --mac             the generator's addresses (10.9.0.1, 52:54:00:99:99:01)\n"
         "  --peer-ip, --peer-mac   the server's addresses (10.9.0.2, 52:54:00:12:34:56)\n";
}

std::optional<Arguments> parse_arguments(int count, const char* const* values) {
  std::map<std::string, std::string> given = {
      {"--ip", "10.9.0.1"},      {"--mac", "52:54:00:99:99:01"},
      {"--peer-ip", "10.9.0.2"}, {"--peer-mac", "52:54:00:12:34:56"},
      {"--device", ""},          {"--core", ""},
      {"--probe-core", ""},      {"--damage", ""},
      {"--queues", "1"},         {"--tso", "off"}};
  for (int i = 1; i < count; ++i) {
    const std::string name = values[i];
    if (name == "--help" || name == "-h") return std::nullopt;
    if (!given.contains(name))
      throw std::invalid_argument("unknown argument '" + name + "' (see --help)");
    if (i + 1 == count) throw std::invalid_argument(name + " needs a value (see --help)");
    given[name] = values[++i];
  }
  Arguments arguments;
  const std::string& device = given["--device"];
  const size_t colon = device.find(':');
  arguments.device_kind = device.substr(0, colon);
  if (colon != std::string::npos) arguments.device_path = device.substr(colon + 1);
  if ((arguments.device_kind != "vhost" && arguments.device_kind != "packet") ||
      arguments.device_path.empty()) {
    throw std::invalid_argument("--device '" + device +
                                "': allowed are vhost:SOCKET and packet:INTERFACE");
  }
  arguments.core = parse_core("--core", given["--core"]);
  if (!given["--probe-core"].empty())
    arguments.probe_core = parse_core("--probe-core", given["--probe-core"]);
  if (arguments.probe_core == arguments.core) {
    throw std::invalid_argument(
        "--probe-core and --core must differ: a core's distance to itself says nothing");
  }
  arguments.own.ip = require("--ip", given["--ip"], parse_ipv4(given["--ip"]), "10.9.0.1");
  arguments.own.mac =
      require("--mac", given["--mac"], parse_mac(given["--mac"]), "52:54:00:99:99:01");
  arguments.peer.ip =
      require("--peer-ip", given["--peer-ip"], parse_ipv4(given["--peer-ip"]), "10.9.0.2");
  arguments.peer.mac = require("--peer-mac", given["--peer-mac"], parse_mac(given["--peer-mac"]),
                               "52:54:00:12:34:56");
  arguments.queues = parse_queues(given["--queues"], arguments.device_kind == "vhost");
  arguments.tso = parse_switch("--tso", given["--tso"]);
  if (!given["--damage"].empty()) arguments.damage = parse_damage(given["--damage"]);
  if (arguments.damage && arguments.tso)
    throw std::invalid_argument("--damage is for UDP: not together with --tso on");
  return arguments;
}

}  // namespace plumbline::generator
