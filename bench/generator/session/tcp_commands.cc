#include "session/tcp_commands.hh"

#include <algorithm>
#include <memory>

#include "session/conversation.hh"
#include "traffic/http_codec.hh"
#include "traffic/keyspace.hh"
#include "traffic/memcached_stream.hh"
#include "traffic/redis_codec.hh"

namespace plumbline::generator {

namespace {

constexpr double kCheckIntervalNs = 1e6;
// A connection that says nothing for so long is given up for another one: the server may have
// started in between.
constexpr double kPatienceNs = 250e6;
constexpr double kAskPatienceNs = 5e9;
constexpr size_t kScratchBytes = 64 * 1024;

// Ends a command when it is time to.
class Watch {
 public:
  Watch(Context& context, double timeout_ms)
      : context_(context), deadline_(ticks_now() + context.scale.to_ticks(timeout_ms * 1e6)) {}

  // `progress` says what was reached, for the error.
  template <class Progress>
  void check(bool needs_link, Progress&& progress) {
    const uint64_t now = ticks_now();
    if (now < next_) return;
    next_ = now + context_.scale.to_ticks(kCheckIntervalNs);
    const bool up = context_.check_link();
    if (context_.interrupted()) throw CommandError("stopped", "stopped: " + progress());
    if (!up && needs_link)
      throw CommandError("link-down", "the guest or interface went away: " + progress());
    if (now >= deadline_) throw CommandError("time-out", progress() + " before timeoutMs");
  }

 private:
  Context& context_;
  uint64_t deadline_;
  uint64_t next_ = 0;
};

std::string shown(std::string_view text) {
  std::string result;
  for (const char each : text.substr(0, 80)) result += each >= ' ' && each < 0x7f ? each : '.';
  return result;
}

std::span<const uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

// Bytes of memcached's answer to a question: up to the line that ends it. 0: not complete.
size_t memcached_answer_bytes(const std::string& text) {
  // "STAT ..." and "VALUE ..." go on until END; everything else is a line.
  if (text.starts_with("STAT ") || text.starts_with("VALUE ") || text.starts_with("ITEM ")) {
    const size_t end = text.find("\r\nEND\r\n");
    return end == std::string::npos ? 0 : end + 7;
  }
  return line_bytes(bytes_of(text));
}

// Asks on one connection after the other until `answer_bytes` finds a whole answer.
template <class AnswerBytes>
SingleAnswer converse(Context& context, uint16_t port, std::string_view request, double interval_us,
                      double patience_ns, double timeout_ms, AnswerBytes&& answer_bytes) {
  Watch watch(context, timeout_ms);
  SingleAnswer answer;
  const Nanoseconds first_timeout =
      microseconds(static_cast<uint64_t>(std::max(interval_us, 1000.0)));
  std::string last;
  const auto progress = [&] {
    return "no answer from port " + std::to_string(port) + " after " +
           std::to_string(answer.attempts) + " connections" +
           (last.empty() ? "" : ", the last said: " + shown(last));
  };
  for (;;) {
    ++answer.attempts;
    Conversation conversation(context, port, first_timeout);
    conversation.send(request);
    const uint64_t end = ticks_now() + context.scale.to_ticks(patience_ns);
    while (conversation.state() != Conversation::State::kEnded && ticks_now() < end) {
      conversation.poll();
      const bool open = conversation.state() == Conversation::State::kOpen;
      const size_t bytes = answer_bytes(conversation.received());
      if (bytes != 0 || (open && request.empty())) {
        answer.text = conversation.received().substr(0, bytes);
        answer.at_ns = monotonic_ns();
        return answer;
      }
      watch.check(false, progress);
    }
    last = conversation.received();
    const uint64_t next = ticks_now() + context.scale.to_ticks(interval_us * 1e3);
    while (ticks_now() < next) watch.check(false, progress);
  }
}

}  // namespace

SingleAnswer wait_answer_over_tcp(Context& context, const WaitAnswerCommand& command) {
  const auto wait = [&](std::string_view request, auto&& answer_bytes) {
    return converse(context, command.port, request, command.interval_us, kPatienceNs,
                    command.timeout_ms, answer_bytes);
  };
  const auto line_that_begins = [](std::string_view word) {
    return [word](const std::string& text) {
      return text.starts_with(word) ? line_bytes(bytes_of(text)) : 0;
    };
  };
  switch (command.request) {
    case ProbeRequest::kVersion:
      return wait("version\r\n", line_that_begins("VERSION "));
    case ProbeRequest::kGet:
      return wait("get plumbline-ready\r\n", memcached_answer_bytes);
    case ProbeRequest::kPing:
      return wait("PING\r\n", line_that_begins("+PONG"));
    case ProbeRequest::kHttp:
      return wait("GET / HTTP/1.1\r\nHost: plumbline\r\n\r\n", line_that_begins("HTTP/1."));
    case ProbeRequest::kConnect:
      return wait("", [](const std::string&) { return size_t{0}; });
    case ProbeRequest::kEcho:
      break;
  }
  static constexpr std::string_view kText = "plumbline-ready";
  return wait(kText, [](const std::string& text) { return text == kText ? text.size() : 0; });
}

SingleAnswer ask_over_tcp(Context& context, const AskCommand& command) {
  const bool redis = command.protocol == StoreProtocol::kRedis;
  return converse(context, command.port, command.request, 200'000, kAskPatienceNs,
                  command.timeout_ms, [redis](const std::string& text) {
                    const char* wrong = nullptr;
                    return redis ? resp_bytes(bytes_of(text), wrong) : memcached_answer_bytes(text);
                  });
}

Population populate_over_tcp(Context& context, const PopulateCommand& command) {
  const Keyspace keyspace(command.keyspace);
  std::unique_ptr<RequestCodec> codec;
  if (command.protocol == StoreProtocol::kRedis)
    codec = std::make_unique<RedisCodec>(keyspace);
  else
    codec = std::make_unique<MemcachedStream>(keyspace);
  Watch watch(context, command.timeout_ms);
  const uint64_t start = monotonic_ns();
  Population population;
  const auto progress = [&] {
    return std::to_string(population.keys) + " of " + std::to_string(keyspace.keys()) +
           " keys were set";
  };
  Conversation conversation(context, command.port, milliseconds(100));
  uint32_t asked = 0;
  std::vector<char> scratch;
  std::string text;
  while (population.keys < keyspace.keys()) {
    text.clear();
    while (conversation.sent_all() && text.size() < kScratchBytes && asked < keyspace.keys() &&
           asked - population.keys < command.window) {
      const Operation set{asked++, true};
      scratch.resize(codec->most_bytes(set));
      text.append(scratch.data(), codec->write(set, scratch.data()));
    }
    if (!text.empty()) conversation.send(text);
    conversation.poll();
    size_t done = 0;
    const std::span<const uint8_t> answers = bytes_of(conversation.received());
    while (done < answers.size()) {
      const Operation set{static_cast<uint32_t>(population.keys), true};
      const StreamReply reply = codec->parse(set, answers.subspan(done), true);
      if (reply.wrong != nullptr) {
        throw CommandError("refused",
                           "set of key " + std::to_string(set.key) + " (" +
                               std::to_string(keyspace.value_bytes(set.key)) +
                               " bytes) answered with: " +
                               shown(std::string_view(conversation.received()).substr(done)));
      }
      if (reply.bytes == 0) break;
      done += reply.bytes;
      ++population.keys;
      population.value_bytes += keyspace.value_bytes(set.key);
    }
    if (done != 0) conversation.consume(done);
    if (conversation.state() == Conversation::State::kEnded)
      throw CommandError("refused", "the server ended the connection: " + progress());
    watch.check(true, progress);
  }
  population.duration_ns = monotonic_ns() - start;
  return population;
}

}  // namespace plumbline::generator
