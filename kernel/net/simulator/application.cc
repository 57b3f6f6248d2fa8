#include "net/simulator/application.hh"

#include <algorithm>
#include <utility>

namespace plumbline::net::simulator {

Application::Application(std::string name, EventQueue& queue, Violations& violations,
                         const Script& script, BytePattern pattern, Peer peer)
    : name_(std::move(name)),
      queue_(queue),
      violations_(violations),
      script_(script),
      pattern_(pattern),
      peer_(peer),
      buffer_(std::max(script.write_size, script.read_size)) {}

void Application::wrong(const std::string& text) {
  violations_.add(queue_.now(), name_ + ": " + text);
}

void Application::start(ByteStream& stream) {
  stream_ = &stream;
  started_at_ = queue_.now();
  read_at_ = started_at_ + script_.read_from;
  stream.wake = [this] { wake(); };
  run_later(started_at_);
}

uint64_t Application::allowed() const {
  if (script_.first >= script_.total) return script_.total;
  return std::min(script_.total, script_.first + received_ / script_.unit * script_.each);
}

// A run at `at`, unless an earlier one is queued already; a later one then finds nothing to do.
void Application::run_later(Nanoseconds at) {
  if (wake_at_.count != 0 && wake_at_ <= at && wake_at_ >= queue_.now()) return;
  wake_at_ = at;
  queue_.at(at, [this, at] {
    if (wake_at_ == at) wake_at_ = {};
    run();
  });
}

void Application::wake() {
  if (!finished_) run();
}

void Application::run() {
  if (finished_ || stream_ == nullptr) return;
  if (stream_->condition() == ByteStream::Condition::kConnecting) return;
  read_some();
  if (!finished_) write_some();
  if (!finished_) end_now();
}

void Application::read_some() {
  while (!finished_) {
    if (queue_.now() < read_at_) {
      run_later(read_at_);
      return;
    }
    const size_t length = stream_->read(std::span(buffer_).first(script_.read_size));
    if (length == 0) return;
    const size_t right =
        peer_.pattern.matches(received_, std::span(std::as_const(buffer_)).first(length));
    if (right != length)
      wrong("byte " + std::to_string(received_ + right) + " of the stream is not what was sent");
    received_ += length;
    if (received_ > peer_.script.total)
      wrong("received " + std::to_string(received_) + " bytes, " +
            std::to_string(peer_.script.total) + " were sent");
    if (script_.read_gap.count != 0) read_at_ = queue_.now() + script_.read_gap;
    if (script_.stall_time.count != 0 && !stalled_ && received_ >= script_.stall_after) {
      stalled_ = true;
      read_at_ = queue_.now() + script_.stall_time;
    }
    if (end_now()) return;
  }
}

void Application::write_some() {
  while (!finished_ && sent_ < allowed()) {
    if (stream_->condition() == ByteStream::Condition::kFailed) return;
    if (queue_.now() < write_at_) {
      run_later(write_at_);
      return;
    }
    const size_t length = std::min<uint64_t>(script_.write_size, allowed() - sent_);
    const std::span<std::byte> bytes = std::span(buffer_).first(length);
    pattern_.fill(sent_, bytes);
    const size_t taken = stream_->write(bytes);
    if (taken > length) wrong("a write took more than it was given");
    sent_ += taken;
    if (taken == 0) return;
    if (script_.write_gap.count != 0) write_at_ = queue_.now() + script_.write_gap;
    if (end_now()) return;
  }
}

// Ends the connection when the script says so. True when it did.
bool Application::end_now() {
  using enum Script::Ending;
  if (finished_) return true;
  const bool all_sent = sent_ >= script_.total;
  if (stream_->condition() == ByteStream::Condition::kFailed) {
    // What can still be read is read; a reset need not leave anything.
    if (!ends_abruptly(peer_.script.ending))
      wrong("the connection failed with error " + std::to_string(stream_->error()) + "; " +
            describe());
    end(false);
    return true;
  }
  if (script_.ending == kAbortSent && sent_ >= script_.ending_bytes) {
    end(true);
    return true;
  }
  if (received_ >= script_.ending_bytes &&
      (script_.ending == kAbortRead || script_.ending == kClosedRead)) {
    end(script_.ending == kAbortRead);
    return true;
  }
  if (script_.ending == kHalfClose && all_sent && !sending_done_) {
    sending_done_ = true;
    stream_->finish();
  }
  if (script_.ending == kWhenSent && all_sent) {
    complete_ = received_ == peer_.script.total;
    end(false);
    return true;
  }
  if (!stream_->at_end()) return false;
  if (received_ != peer_.script.total && !ends_abruptly(peer_.script.ending))
    wrong("the stream ended after " + std::to_string(received_) + " of " +
          std::to_string(peer_.script.total) + " bytes");
  // Whoever waits for the peer's end still sends what it has to.
  if (!all_sent && allowed() > sent_) return false;
  if (!all_sent && !ends_abruptly(peer_.script.ending))
    wrong("the peer has finished before this end could send everything; " + describe());
  complete_ = all_sent && received_ == peer_.script.total;
  end(false);
  return true;
}

void Application::end(bool abort) {
  finished_ = true;
  finished_at_ = queue_.now();
  ByteStream* const stream = stream_;
  stream_ = nullptr;
  if (abort)
    stream->abort();
  else
    stream->close();
}

std::string Application::describe() const {
  return name_ + ": sent " + std::to_string(sent_) + " of " + std::to_string(script_.total) +
         ", received " + std::to_string(received_) + " of " + std::to_string(peer_.script.total) +
         (finished_            ? ", finished"
          : stream_ == nullptr ? ", not started"
                               : ", not finished");
}

}  // namespace plumbline::net::simulator
