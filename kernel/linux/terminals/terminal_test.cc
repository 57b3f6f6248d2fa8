#include "linux/terminals/terminal.hh"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <thread>

#include "linux/terminals/hosted_jobs.hh"

using namespace plumbline;
using namespace plumbline::linux_abi;

namespace {

constexpr std::uint32_t kSetLock = 0x4004'5431, kSetForeground = 0x5410, kTakeControl = 0x540e,
                        kGetSettings = 0x5401, kSetSettings = 0x5402;

// Both ends, the slave open once.
struct Pair {
  Ref<Terminal> terminal;
  Terminal::User master{TerminalEnd::kMaster, 0, false}, slave{TerminalEnd::kSlave, 0, false};
  bool master_open = true;

  Pair() {
    HostedJobs::instance() = {};
    auto made = Terminal::create();
    REQUIRE(made);
    terminal = std::move(*made);
    CHECK(terminal->open_slave(false).error() == Errno::kEIO);
    int locked = 0;
    CHECK(terminal->request(master, kSetLock, reinterpret_cast<std::uint64_t>(&locked)));
    open();
  }
  ~Pair() {
    if (master_open) terminal->close_master();
  }
  void open() {
    const auto generation = terminal->open_slave(false);
    REQUIRE(generation);
    slave.generation = *generation;
  }
  void close_master() {
    terminal->close_master();
    master_open = false;
  }
  std::string read(const Terminal::User& user, std::size_t most = 4096) {
    std::string text(most, '\0');
    const IoSegment segment{reinterpret_cast<std::uint64_t>(text.data()), most};
    IoCursor cursor({&segment, 1});
    const auto length = terminal->read(user, cursor);
    if (!length) return "error " + std::to_string(static_cast<int>(length.error()));
    text.resize(*length);
    return text;
  }
  Result<std::size_t> write(const Terminal::User& user, std::string_view text) {
    const IoSegment segment{reinterpret_cast<std::uint64_t>(text.data()), text.size()};
    IoCursor cursor({&segment, 1});
    return terminal->write(user, cursor);
  }
  void make_raw() {
    TerminalSettings settings;
    const auto address = reinterpret_cast<std::uint64_t>(&settings);
    CHECK(terminal->request(master, kGetSettings, address));
    settings.input = settings.output = settings.local = 0;
    CHECK(terminal->request(master, kSetSettings, address));
  }
};

}  // namespace

TEST_CASE("what is typed is read, what is written is shown") {
  Pair pair;
  CHECK(*pair.write(pair.master, "hello\n") == 6);
  CHECK((pair.terminal->poll(pair.slave) & kPollIn) != 0);
  CHECK(pair.read(pair.slave) == "hello\n");
  CHECK(*pair.write(pair.slave, "answer\n") == 7);
  CHECK(pair.read(pair.master) == "hello\r\nanswer\r\n");
}

TEST_CASE("the last slave's end is an error for the master, the master's an end for slaves") {
  Pair pair;
  pair.master.nonblocking = true;
  CHECK(pair.read(pair.master) == "error 11");
  pair.terminal->close_slave();
  CHECK(pair.read(pair.master) == "error 5");
  CHECK((pair.terminal->poll(pair.master) & kPollHangup) != 0);
  pair.open();
  CHECK(pair.read(pair.master) == "error 11");
  const unsigned number = pair.terminal->number();
  CHECK(Terminal::find(number));
  pair.close_master();
  CHECK_FALSE(Terminal::find(number));
  CHECK(pair.read(pair.slave).empty());
  CHECK(pair.write(pair.slave, "x").error() == Errno::kEIO);
  CHECK(pair.terminal->request(pair.slave, kGetSettings, 0).error() == Errno::kEIO);
  CHECK(pair.terminal->open_slave(false).error() == Errno::kEIO);
}

TEST_CASE("a number is taken until both ends are gone") {
  auto first = std::make_unique<Pair>();
  const unsigned number = first->terminal->number();
  const Ref<Terminal> kept = first->terminal;
  first = nullptr;
  {
    const Pair second;
    CHECK(second.terminal->number() != number);
  }
}

TEST_CASE("the keyboard signals who is in front, the end of the line whose terminal it is") {
  Pair pair;
  auto& jobs = HostedJobs::instance();
  CHECK(pair.write(pair.master, "\003"));
  CHECK(jobs.signals.empty());
  CHECK(pair.terminal->request(pair.slave, kTakeControl, 0));
  CHECK(jobs.caller.terminal == pair.terminal->serial());
  CHECK(pair.write(pair.master, "\003"));
  REQUIRE(jobs.signals.size() == 1);
  CHECK(jobs.signals[0] == std::pair<GroupId, unsigned>(100, 2));
  int group = 7;
  const auto address = reinterpret_cast<std::uint64_t>(&group);
  CHECK(pair.terminal->request(pair.slave, kSetForeground, address).error() == Errno::kESRCH);
  jobs.caller.group = 200;
  jobs.in_background = Errno::kEIO;
  CHECK(pair.read(pair.slave) == "error 5");
  jobs.signals.clear();
  pair.close_master();
  REQUIRE(jobs.signals.size() == 2);
  CHECK(jobs.signals[0] == std::pair<GroupId, unsigned>(100, kHangupSignal));
  CHECK(jobs.signals[1] == std::pair<GroupId, unsigned>(100, kContinueSignal));
  CHECK(jobs.caller.terminal == 0);
}

TEST_CASE("both directions at once, more than fits, in order") {
  Pair pair;
  pair.make_raw();
  constexpr std::size_t kTotal = 300'000;
  const auto byte = [](std::size_t i) { return static_cast<char>(i * 7 + i / 256); };
  const auto writer = [&](const Terminal::User& user) {
    for (std::size_t sent = 0; sent < kTotal;) {
      std::string text(std::min<std::size_t>(kTotal - sent, 1777), '\0');
      for (char& c : text) c = byte(sent++);
      CHECK(*pair.write(user, text) == text.size());
    }
  };
  const auto reader = [&](const Terminal::User& user) {
    bool same = true;
    for (std::size_t got = 0; got < kTotal;) {
      for (const char c : pair.read(user, 999)) same = same && c == byte(got++);
    }
    CHECK(same);
  };
  std::thread threads[] = {std::thread(writer, pair.master), std::thread(writer, pair.slave),
                           std::thread(reader, pair.slave), std::thread(reader, pair.master)};
  for (std::thread& thread : threads) thread.join();
}

TEST_CASE("who waits is told when the other end goes") {
  Pair pair;
  std::thread reader([&] { CHECK(pair.read(pair.slave).empty()); });
  pair.close_master();
  reader.join();
  Pair other;
  std::thread waits([&] { CHECK(other.read(other.master) == "error 5"); });
  other.terminal->close_slave();
  waits.join();
}
