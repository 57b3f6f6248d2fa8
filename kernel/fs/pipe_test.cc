#include "fs/pipe.hh"

#include <doctest/doctest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "fs/attributes.hh"
#include "fs/test_io.hh"

using namespace plumbline;

namespace {

PipeEnds make(std::uint32_t flags = 0) {
  auto ends = create_pipe(flags);
  REQUIRE(ends);
  return std::move(*ends);
}

struct Signals {
  static inline std::atomic<int> count{0};
  Signals() {
    count = 0;
    on_broken_pipe = [] { ++count; };
  }
  ~Signals() { on_broken_pipe = nullptr; }
};

}  // namespace

TEST_CASE("bytes come out in order, and small writes share a page") {
  const PipeEnds ends = make();
  CHECK(*write_file(*ends.writer, "hello ") == 6);
  CHECK(*write_file(*ends.writer, "world") == 5);
  CHECK(ends.reader->pipe->available() == 11);
  CHECK(read_text(*ends.reader, 3) == "hel");
  CHECK(read_text(*ends.reader) == "lo world");
  CHECK(ends.writer->pipe->available() == 0);
}

TEST_CASE("the wrong end, an empty pipe and the end of all") {
  PipeEnds ends = make(kOpenNonblocking);
  CHECK(read_text(*ends.reader) == "error 11");
  CHECK(read_text(*ends.reader, 0).empty());
  CHECK(ends.reader->poll() == 0);
  CHECK(ends.writer->poll() == (kPollOut | kPollWriteNormal));
  CHECK(*write_file(*ends.writer, "x") == 1);
  CHECK(ends.reader->poll() == (kPollIn | kPollReadNormal));
  ends.writer = nullptr;
  CHECK(ends.reader->poll() == (kPollIn | kPollReadNormal | kPollHangup));
  CHECK(read_text(*ends.reader) == "x");
  CHECK(ends.reader->poll() == kPollHangup);
  CHECK(read_text(*ends.reader).empty());
}

TEST_CASE("nobody reads: EPIPE and the signal") {
  const Signals signals;
  PipeEnds ends = make();
  ends.reader = nullptr;
  CHECK(write_file(*ends.writer, "x").error() == Errno::kEPIPE);
  CHECK(Signals::count == 1);
  CHECK(ends.writer->poll() == (kPollOut | kPollWriteNormal | kPollError));
}

TEST_CASE("a full pipe: pages count, writes of up to PIPE_BUF are whole or not at all") {
  const PipeEnds ends = make(kOpenNonblocking);
  const std::string three(3000, 'a');
  unsigned writes = 0;
  while (write_file(*ends.writer, three)) ++writes;
  CHECK(writes == 16);
  CHECK(write_file(*ends.writer, three).error() == Errno::kEAGAIN);
  // The last page has room.
  CHECK(*write_file(*ends.writer, std::string(1096, 'b')) == 1096);
  CHECK(write_file(*ends.writer, "c").error() == Errno::kEAGAIN);
  CHECK(ends.writer->poll() == 0);
  CHECK(read_text(*ends.reader, 2999) == std::string(2999, 'a'));
  CHECK(ends.writer->poll() == 0);
  CHECK(read_text(*ends.reader, 1) == "a");
  CHECK(ends.writer->poll() == (kPollOut | kPollWriteNormal));
  CHECK(ends.reader->pipe->available() == 15 * 3000 + 1096);
}

TEST_CASE("a large write is taken in part") {
  const PipeEnds ends = make(kOpenNonblocking);
  const std::string large(100'000, 'z');
  CHECK(*write_file(*ends.writer, large) == 65536);
  CHECK(read_text(*ends.reader, 100'000).size() == 65536);
}

TEST_CASE("bad addresses") {
  const PipeEnds ends = make(kOpenNonblocking);
  CHECK(write_file(*ends.writer, reinterpret_cast<void*>(8), 5).error() == Errno::kEFAULT);
  CHECK(ends.reader->poll() == 0);
  CHECK(*write_file(*ends.writer, "kept") == 4);
  CHECK(read_file(*ends.reader, reinterpret_cast<void*>(8), 5).error() == Errno::kEFAULT);
  CHECK(read_text(*ends.reader) == "kept");
}

TEST_CASE("packets are read one by one and lose what is not taken") {
  const PipeEnds ends = make(kOpenDirect);
  CHECK(*write_file(*ends.writer, "first") == 5);
  CHECK(*write_file(*ends.writer, "second") == 6);
  CHECK(read_text(*ends.reader, 2) == "fi");
  CHECK(read_text(*ends.reader) == "second");
}

TEST_CASE("capacity") {
  const PipeEnds ends = make(kOpenNonblocking);
  Pipe& pipe = *ends.reader->pipe;
  CHECK(pipe.capacity() == 65536);
  CHECK(*pipe.set_capacity(5000) == 8192);
  CHECK(*write_file(*ends.writer, std::string(20'000, 'q')) == 8192);
  CHECK(pipe.set_capacity(4096).error() == Errno::kEBUSY);
  CHECK(*pipe.set_capacity(1 << 20) == 1 << 20);
  CHECK(pipe.set_capacity((1 << 20) + 1).error() == Errno::kEPERM);
  CHECK(*write_file(*ends.writer, std::string(20'000, 'r')) == 20'000);
  CHECK(read_text(*ends.reader) == std::string(8192, 'q') + std::string(20'000, 'r'));
  CHECK(*pipe.set_capacity(0) == 4096);
}

TEST_CASE("attributes and name") {
  const PipeEnds ends = make();
  Attributes attributes;
  CHECK(ends.reader->stat(attributes));
  CHECK(attributes.mode == (kModeFifo | 0600));
  char text[64];
  CHECK(std::string(text, ends.reader->describe(text)) ==
        "pipe:[" + std::to_string(attributes.inode) + "]");
}

TEST_CASE("transfer and tee between pipes") {
  const PipeEnds a = make(kOpenNonblocking), b = make(kOpenNonblocking);
  Pipe &from = *a.reader->pipe, &to = *b.reader->pipe;
  CHECK(from.transfer(to, 10, false).error() == Errno::kEAGAIN);
  CHECK(*write_file(*a.writer, "0123456789") == 10);
  CHECK(*from.transfer(to, 4, true) == 4);
  CHECK(*from.transfer(to, 6, false) == 6);
  CHECK(*from.transfer(to, 100, false) == 4);
  CHECK(read_text(*b.reader) == "01230123456789");
  CHECK(from.available() == 0);
}

TEST_CASE("consume and produce stop where the other side does") {
  const PipeEnds ends = make(kOpenNonblocking);
  Pipe& pipe = *ends.reader->pipe;
  const auto give = [](void* context, std::span<std::byte> bytes) -> Result<std::size_t> {
    auto& left = *static_cast<std::size_t*>(context);
    const std::size_t count = std::min(left, bytes.size());
    std::fill_n(bytes.begin(), count, std::byte{'g'});
    left -= count;
    return count;
  };
  std::size_t left = 5000;
  CHECK(*pipe.produce(100'000, give, &left) == 5000);
  std::string taken;
  const auto take = [](void* context, std::span<const std::byte> bytes) -> Result<std::size_t> {
    auto& text = *static_cast<std::string*>(context);
    const std::size_t count = std::min<std::size_t>(bytes.size(), 4097 - text.size());
    text.append(reinterpret_cast<const char*>(bytes.data()), count);
    return count;
  };
  CHECK(*pipe.consume(100'000, take, &taken) == 4097);
  CHECK(pipe.available() == 903);
}

TEST_CASE("FIFOs: openers wait for each other, and a reader sees no hangup before a writer came") {
  auto pipe = Pipe::create();
  REQUIRE(pipe);
  std::uint32_t seen = 0;
  CHECK((*pipe)->open_fifo(kOpenWriteOnly | kOpenNonblocking, seen).error() == Errno::kENXIO);
  CHECK((*pipe)->open_fifo(kOpenReadOnly | kOpenNonblocking, seen));
  auto reader = Ref<PipeEnd>::adopt(new PipeEnd(*pipe, kOpenReadOnly | kOpenNonblocking, seen));
  CHECK(reader->poll() == 0);
  CHECK(read_text(*reader).empty());
  CHECK((*pipe)->open_fifo(kOpenWriteOnly | kOpenNonblocking, seen));
  auto writer = Ref<PipeEnd>::adopt(new PipeEnd(*pipe, kOpenWriteOnly, seen));
  CHECK(reader->poll() == 0);
  writer = nullptr;
  CHECK(reader->poll() == kPollHangup);
  reader = nullptr;
  std::thread other([&] {
    std::uint32_t mine = 0;
    CHECK((*pipe)->open_fifo(kOpenReadOnly, mine));
    const auto end = Ref<PipeEnd>::adopt(new PipeEnd(*pipe, kOpenReadOnly, mine));
    CHECK(read_text(*end) == "met");
  });
  CHECK((*pipe)->open_fifo(kOpenWriteOnly, seen));
  writer = Ref<PipeEnd>::adopt(new PipeEnd(*pipe, kOpenWriteOnly, seen));
  CHECK(*write_file(*writer, "met") == 3);
  other.join();
}

TEST_CASE("several writers and readers lose nothing and split no small write") {
  PipeEnds ends = make();
  constexpr int kWriters = 3, kReaders = 2, kEach = 2000;
  std::atomic<long> sum{0}, torn{0};
  std::vector<std::thread> threads;
  for (int w = 0; w < kWriters; ++w) {
    threads.emplace_back([writer = ends.writer, w] {
      for (int i = 1; i <= kEach; ++i) {
        int record[16];
        for (int& word : record) word = w * 1'000'000 + i;
        REQUIRE(*write_file(*writer, record, sizeof record) == sizeof record);
      }
    });
  }
  for (int r = 0; r < kReaders; ++r) {
    threads.emplace_back([reader = ends.reader, &sum, &torn] {
      int record[16];
      for (;;) {
        const auto got = read_file(*reader, record, sizeof record);
        REQUIRE(got);
        if (*got == 0) return;
        // A record never crosses pages here: 64 divides a page.
        REQUIRE(*got == sizeof record);
        for (const int word : record) torn += word != record[0];
        sum += record[0] % 1'000'000;
      }
    });
  }
  ends.writer = nullptr;
  for (std::thread& thread : threads) thread.join();
  CHECK(sum == long{kWriters} * kEach * (kEach + 1) / 2);
  CHECK(torn == 0);
}

TEST_CASE("a poll of several files is woken by any of them, and times out") {
  const PipeEnds a = make(), b = make();
  PollRequest requests[3];
  requests[0].file = a.reader.get();
  requests[2].file = b.reader.get();
  requests[0].wanted = requests[2].wanted = kPollIn;
  CHECK(*poll_files(requests, Deadline::after({0})) == 0);
  CHECK(*poll_files(requests, Deadline::after(milliseconds(5))) == 0);
  for (int round = 0; round < 200; ++round) {
    std::thread other([&] { CHECK(*write_file(*b.writer, "!") == 1); });
    CHECK(*poll_files(requests, Deadline::never()) == 1);
    CHECK(requests[0].found == 0);
    CHECK(requests[2].found == kPollIn);
    CHECK(read_text(*b.reader) == "!");
    other.join();
  }
}
