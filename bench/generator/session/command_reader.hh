// Reads commands on a thread of its own, so that the polling loop never waits for standard input.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <string>

#include "session/command.hh"

namespace plumbline::generator {

// What came in: a command, or what is wrong with one.
struct Incoming {
  std::optional<Command> command;
  std::optional<BadCommand> error;
};

class CommandReader {
 public:
  // `stop` is set by a stop command, `quit` by a quit command and by the end of input. The thread
  // is never joined: it sits in read() until the process ends, so the reader must live as long as
  // the process.
  CommandReader(std::atomic<bool>& stop, std::atomic<bool>& quit);

  // The next command, waiting at most so long.
  std::optional<Incoming> next(std::chrono::microseconds wait);

 private:
  void read_lines();
  void push(Incoming incoming);

  std::atomic<bool>& stop_;
  std::atomic<bool>& quit_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Incoming> queue_;
};

}  // namespace plumbline::generator
