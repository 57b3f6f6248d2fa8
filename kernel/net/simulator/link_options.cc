#include "net/simulator/link_options.hh"

#include <algorithm>
#include <charconv>
#include <iterator>

namespace plumbline::net::simulator {
namespace {

Nanoseconds of_milliseconds(double value) {
  return nanoseconds(static_cast<uint64_t>(value * 1e6));
}

struct Option {
  std::string_view name;
  double least, most;
  void (*change)(LinkConditions& to, double value);
};

constexpr Option kOptions[] = {
    {"--loss", 0, 1, [](LinkConditions& to, double value) { to.loss = value; }},
    {"--burst", 1, 1000, [](LinkConditions& to, double value) { to.loss_burst = value; }},
    {"--reorder", 0, 1, [](LinkConditions& to, double value) { to.reorder = value; }},
    {"--reorder-ms", 0, 1e5,
     [](LinkConditions& to, double value) { to.reorder_delay = of_milliseconds(value); }},
    {"--duplicate", 0, 1, [](LinkConditions& to, double value) { to.duplicate = value; }},
    {"--corrupt", 0, 1, [](LinkConditions& to, double value) { to.corrupt = value; }},
    {"--delay-ms", 0, 1e5,
     [](LinkConditions& to, double value) { to.delay = of_milliseconds(value); }},
    {"--jitter-ms", 0, 1e5,
     [](LinkConditions& to, double value) { to.jitter = of_milliseconds(value); }},
    {"--rate-mbit", 0.001, 1e6,
     [](LinkConditions& to, double value) { to.rate = static_cast<uint64_t>(value * 1e6); }},
    {"--queue", 2000, 1e9,
     [](LinkConditions& to, double value) { to.queue = static_cast<uint32_t>(value); }},
    {"--mark", 1, 1e9,
     [](LinkConditions& to, double value) { to.mark = static_cast<uint32_t>(value); }},
    {"--mtu", 256, 65535,
     [](LinkConditions& to, double value) { to.mtu = static_cast<uint32_t>(value); }},
};

std::string plain(double value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  return {text, end};
}

}  // namespace

const char* LinkOptions::help() {
  return R"(  --loss P                 probability that a frame is lost, 0 to 1
  --burst N                frames lost in a row, on the average
  --reorder P              probability that a frame is held back while others pass
  --reorder-ms N           by at most so long (default 1)
  --duplicate P            probability that a frame arrives twice
  --corrupt P              probability that bits are changed
  --delay-ms N             each way
  --jitter-ms N            more at most, in order
  --rate-mbit N            of the bottleneck
  --queue BYTES            that wait in front of it
  --mark BYTES             that wait before packets are marked (ECN)
  --mtu BYTES              longest packet that passes
)";
}

bool LinkOptions::take(std::string_view name, std::string_view value, std::string& error) {
  const auto option = std::ranges::find(kOptions, name, &Option::name);
  if (option == std::end(kOptions)) return false;
  double number = 0;
  const auto [end, code] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (code != std::errc{} || end != value.data() + value.size() || !(number >= option->least) ||
      !(number <= option->most)) {
    error = std::string(name) + " " + std::string(value) + ": a number from " +
            plain(option->least) + " to " + plain(option->most) + " is needed";
    return true;
  }
  given_.push_back({option->change, number});
  text_ += " " + std::string(name) + " " + std::string(value);
  return true;
}

void LinkOptions::apply(LinkConditions& conditions) const {
  for (const Given& one : given_) one.change(conditions, one.value);
}

}  // namespace plumbline::net::simulator
