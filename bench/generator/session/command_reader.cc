#include "session/command_reader.hh"

#include <unistd.h>

#include <cerrno>
#include <thread>

namespace plumbline::generator {

namespace {

constexpr size_t kLongestLine = 1 << 20;

}  // namespace

CommandReader::CommandReader(std::atomic<bool>& stop, std::atomic<bool>& quit)
    : stop_(stop), quit_(quit) {
  std::thread([this] { read_lines(); }).detach();
}

void CommandReader::read_lines() {
  std::string rest;
  char buffer[65536];
  for (;;) {
    const ssize_t bytes = read(STDIN_FILENO, buffer, sizeof buffer);
    if (bytes < 0 && errno == EINTR) continue;
    if (bytes <= 0 || rest.size() > kLongestLine) break;
    rest.append(buffer, static_cast<size_t>(bytes));
    for (size_t end = rest.find('\n'); end != std::string::npos; end = rest.find('\n')) {
      const std::string line = rest.substr(0, end);
      rest.erase(0, end + 1);
      if (line.empty()) continue;
      Incoming incoming;
      try {
        incoming.command = parse_command(line);
        // These two reach a command that is running.
        if (std::holds_alternative<StopCommand>(incoming.command->what)) stop_.store(true);
        if (std::holds_alternative<QuitCommand>(incoming.command->what)) quit_.store(true);
      } catch (const BadCommand& error) {
        incoming.error = error;
      }
      push(std::move(incoming));
    }
  }
  // Nobody can command any more: the runner has gone.
  quit_.store(true);
  arrived_.notify_all();
}

void CommandReader::push(Incoming incoming) {
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(incoming));
  }
  arrived_.notify_all();
}

std::optional<Incoming> CommandReader::next(std::chrono::microseconds wait) {
  std::unique_lock lock(mutex_);
  if (!arrived_.wait_for(lock, wait, [this] { return !queue_.empty(); })) return std::nullopt;
  Incoming incoming = std::move(queue_.front());
  queue_.pop_front();
  return incoming;
}

}  // namespace plumbline::generator
