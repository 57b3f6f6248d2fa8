// A link with impairments between two real network interfaces: what the simulator's Link does, in
// the time of the clock. For meeting other stacks where the kernel has no netem.
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <vector>

#include "net/simulator/link_options.hh"
#include "net/simulator/pcap_file.hh"

using namespace plumbline;
using namespace plumbline::net::simulator;

namespace {

constexpr char kHelp[] = R"(network_link TAP TAP [options]: a link with impairments between two taps

Joins two tap interfaces (existing ones or new ones; the user may need CAP_NET_ADMIN) until it gets
SIGINT or SIGTERM, and then prints what it did.

  --seed N                 of all random decisions (default 1)
  --pcap FILE              writes what leaves the link
)";

[[noreturn]] void fail(int code, const std::string& text) {
  std::fprintf(stderr, "network_link: %s\n", text.c_str());
  std::exit(code);
}

volatile sig_atomic_t ended = 0;

Nanoseconds clock_now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return seconds(static_cast<uint64_t>(time.tv_sec)) +
         nanoseconds(static_cast<uint64_t>(time.tv_nsec));
}

int open_tap(const std::string& name) {
  const int file = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (file < 0) fail(1, std::string("/dev/net/tun: ") + std::strerror(errno));
  ifreq request{};
  if (name.empty() || name.size() >= sizeof request.ifr_name)
    fail(2, "'" + name + "': a name of an interface has 1 to 15 characters");
  std::copy(name.begin(), name.end(), request.ifr_name);
  request.ifr_flags = IFF_TAP | IFF_NO_PI;
  if (ioctl(file, TUNSETIFF, &request) != 0)
    fail(1, name + ": " + std::strerror(errno) + " (does another process have this tap?)");
  return file;
}

// What waits for its time on one link, by time.
struct Waiting {
  Nanoseconds at;
  uint64_t order;
  Frame frame;
  static bool later(const Waiting& a, const Waiting& b) {
    return a.at != b.at ? a.at > b.at : a.order > b.order;
  }
};

class Direction {
 public:
  Direction(int from, int to, const LinkConditions& conditions, Random random)
      : from_(from), to_(to), link_(conditions, random) {}

  int from() const { return from_; }
  const LinkCounters& counters() const { return link_.counters(); }

  // Takes what has arrived, at most a burst.
  void take() {
    // Linux gives frames of up to 64 KiB where segmentation is left to the device; taps opened
    // without an offload flag, as here, get none.
    std::array<std::byte, 65600> buffer;
    for (int i = 0; i < 64; ++i) {
      const ssize_t length = read(from_, buffer.data(), buffer.size());
      if (length <= 0) return;
      deliveries_.clear();
      link_.transmit(clock_now(), Frame(buffer.begin(), buffer.begin() + length), deliveries_);
      for (Delivery& one : deliveries_) {
        waiting_.push_back({one.at, order_++, std::move(one.frame)});
        std::push_heap(waiting_.begin(), waiting_.end(), Waiting::later);
      }
    }
  }

  // Gives out what is due; when to come again.
  Nanoseconds give(PcapFile& pcap) {
    while (!waiting_.empty()) {
      const Nanoseconds now = clock_now();
      if (waiting_.front().at > now) return waiting_.front().at;
      std::pop_heap(waiting_.begin(), waiting_.end(), Waiting::later);
      const Waiting one = std::move(waiting_.back());
      waiting_.pop_back();
      pcap.write(now, one.frame);
      // An interface that is down or full loses the frame, as wires do.
      if (write(to_, one.frame.data(), one.frame.size()) < 0) ++refused_;
    }
    return {~uint64_t{0}};
  }

  void show(const std::string& name) const {
    const LinkCounters& c = link_.counters();
    std::printf(
        "%s: %llu frames entered, %llu delivered, %llu lost, %llu dropped by the queue, %llu too "
        "big, %llu reordered, %llu duplicated, %llu damaged, %llu marked, %llu refused\n",
        name.c_str(), static_cast<unsigned long long>(c.entered),
        static_cast<unsigned long long>(c.delivered), static_cast<unsigned long long>(c.lost),
        static_cast<unsigned long long>(c.queue_dropped),
        static_cast<unsigned long long>(c.too_big), static_cast<unsigned long long>(c.reordered),
        static_cast<unsigned long long>(c.duplicated), static_cast<unsigned long long>(c.corrupted),
        static_cast<unsigned long long>(c.marked), static_cast<unsigned long long>(refused_));
  }

 private:
  int from_, to_;
  Link link_;
  std::vector<Delivery> deliveries_;
  std::vector<Waiting> waiting_;
  uint64_t order_ = 0;
  uint64_t refused_ = 0;
};

}  // namespace

int main(int count, char** arguments) {
  std::vector<std::string> taps;
  LinkOptions options;
  uint64_t seed = 1;
  std::string capture;
  for (int i = 1; i < count; ++i) {
    const std::string option = arguments[i];
    if (option == "--help" || option == "-h") {
      std::printf("%s%s", kHelp, LinkOptions::help());
      return 0;
    }
    if (!option.starts_with("--")) {
      taps.push_back(option);
      continue;
    }
    if (i + 1 == count) fail(2, option + ": unknown, or its value is missing; see --help");
    const std::string value = arguments[++i];
    std::string error;
    if (option == "--pcap") {
      capture = value;
    } else if (option == "--seed") {
      const auto [end, code] = std::from_chars(value.data(), value.data() + value.size(), seed);
      if (code != std::errc{} || end != value.data() + value.size())
        fail(2, "--seed " + value + ": a number is needed");
    } else if (!options.take(option, value, error)) {
      fail(2, option + ": unknown option; see --help");
    } else if (!error.empty()) {
      fail(2, error);
    }
  }
  if (taps.size() != 2) fail(2, "two interfaces are needed; see --help");

  LinkConditions conditions;
  options.apply(conditions);
  const int first = open_tap(taps[0]), second = open_tap(taps[1]);
  Direction directions[] = {{first, second, conditions, Random(seed).fork(1)},
                            {second, first, conditions, Random(seed).fork(2)}};
  PcapFile pcap;
  if (!capture.empty())
    if (const std::string error = pcap.open(capture); !error.empty()) fail(1, error);

  // Blocked but while waiting, so that none is missed in between.
  struct sigaction action {};
  action.sa_handler = [](int) { ended = 1; };
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  sigset_t blocked, before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGINT);
  sigaddset(&blocked, SIGTERM);
  sigprocmask(SIG_BLOCK, &blocked, &before);
  std::puts("ready");
  std::fflush(stdout);
  while (!ended) {
    const Nanoseconds next = std::min(directions[0].give(pcap), directions[1].give(pcap));
    const Nanoseconds now = clock_now();
    const Nanoseconds wait = next > now ? std::min(next - now, seconds(1)) : Nanoseconds{};
    const timespec timeout{static_cast<time_t>(wait.count / 1'000'000'000),
                           static_cast<long>(wait.count % 1'000'000'000)};
    pollfd files[] = {{first, POLLIN, 0}, {second, POLLIN, 0}};
    if (ppoll(files, 2, &timeout, &before) < 0 && errno != EINTR)
      fail(1, std::string("poll: ") + std::strerror(errno));
    for (Direction& direction : directions) direction.take();
  }
  directions[0].show(taps[0] + " to " + taps[1]);
  directions[1].show(taps[1] + " to " + taps[0]);
  if (const std::string error = pcap.close(); !error.empty()) fail(1, error);
  return 0;
}
