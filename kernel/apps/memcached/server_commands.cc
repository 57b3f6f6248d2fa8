#include "apps/memcached/protocol.hh"
#include "apps/memcached/responses.hh"

namespace plumbline::memcached {

void Protocol::flush_all(const Tokens& tokens, Request& request) {
  if (tokens.count > 3) {
    say_always(request, kError);
    return;
  }
  int64_t delay = 0;
  if (tokens.count > (request.quiet ? 2u : 1u)) {
    const auto given = parse_signed(tokens[1]);
    if (!given) {
      say(request, kBadExptime);
      return;
    }
    delay = *given;
  }
  counters_.add(Count::kFlush);
  store_.for_each([&](Shard& shard) { shard.flush_all(delay); });
  say(request, kOk);
}

void Protocol::stats(const Tokens& tokens, Request& request) {
  size_t length = 0;
  if (tokens.count == 1) {
    length = write_stats(text_, store_, server_.clock, server_.counters);
  } else if (tokens[1] == "settings") {
    length = write_settings(text_, store_, server_.counters);
  } else if (tokens[1] == "reset") {
    server_.counters.reset();
    store_.for_each([](Shard& shard) { shard.reset_statistics(); });
    say_always(request, "RESET\r\n");
    return;
  } else {
    say_always(request, kError);
    return;
  }
  say_always(request, {text_.data(), length});
}

void Protocol::version(Request& request) {
  static constexpr std::string_view kPrefix = "VERSION ";
  static constexpr std::string_view kLineEnd = "\r\n";
  const std::string_view version = kServerVersion;
  UdpAnswer answer(request.responder, request.id, request.in_place);
  answer.begin(kPrefix.size() + version.size() + kLineEnd.size());
  for (const std::string_view text : {kPrefix, version, kLineEnd})
    answer.append(bytes_of(text).data(), text.size());
  answer.end();
}

void Protocol::verbosity(const Tokens& tokens, Request& request) {
  // There is nothing to be verbose about; accepted for the clients that send it.
  if (tokens.count < 2) {
    say_always(request, kError);
  } else {
    say(request, kOk);
  }
}

}  // namespace plumbline::memcached
