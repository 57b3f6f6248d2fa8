#include "apps/memcached/protocol.hh"
#include "apps/memcached/responses.hh"

namespace plumbline::memcached {

Protocol::Verb Protocol::verb_of(std::string_view word) {
  static constexpr struct {
    std::string_view word;
    Verb verb;
  } kVerbs[] = {
      {"get", Verb::kGet},         {"set", Verb::kSet},         {"gets", Verb::kGets},
      {"delete", Verb::kDelete},   {"incr", Verb::kIncr},       {"decr", Verb::kDecr},
      {"add", Verb::kAdd},         {"replace", Verb::kReplace}, {"append", Verb::kAppend},
      {"prepend", Verb::kPrepend}, {"cas", Verb::kCas},         {"touch", Verb::kTouch},
      {"gat", Verb::kGat},         {"gats", Verb::kGats},       {"flush_all", Verb::kFlushAll},
      {"stats", Verb::kStats},     {"version", Verb::kVersion}, {"verbosity", Verb::kVerbosity},
      {"quit", Verb::kQuit},       {"mn", Verb::kMetaNoop},     {"shutdown", Verb::kShutdown},
  };
  for (const auto& entry : kVerbs)
    if (entry.word == word) return entry.verb;
  return Verb::kUnknown;
}

void Protocol::say(Request& request, std::string_view text) {
  if (request.quiet) return;
  UdpAnswer answer(request.responder, request.id, request.in_place);
  answer.begin(text.size());
  answer.append(bytes_of(text).data(), text.size());
  answer.end();
}

size_t Protocol::execute(std::string_view input, Request& request) {
  const size_t newline = input.find('\n');
  if (newline == std::string_view::npos) {
    // A command does not go on in the next datagram.
    request.in_place = true;
    say(request, kError);
    return input.size();
  }
  std::string_view line = input.substr(0, newline);
  if (line.ends_with('\r')) line.remove_suffix(1);
  const std::string_view behind = input.substr(newline + 1);
  // With more commands behind this one, its answer must not overwrite them.
  request.in_place = behind.empty();

  std::string_view arguments = line;
  const Verb verb = verb_of(next_word(arguments));
  if (verb == Verb::kGet || verb == Verb::kGets) {
    get(arguments, verb == Verb::kGets, nullptr, request);
    return newline + 1;
  }
  if (verb == Verb::kGat || verb == Verb::kGats) {
    const std::string_view time = next_word(arguments);
    const auto expiry = parse_signed(time);
    if (time.empty()) {
      say(request, kError);
    } else if (!expiry) {
      say(request, kBadExptime);
    } else {
      get(arguments, verb == Verb::kGats, &*expiry, request);
    }
    return newline + 1;
  }

  const Tokens tokens = split_words(line);
  request.quiet = tokens.count > 1 && tokens.last() == "noreply";
  size_t taken = newline + 1;
  switch (verb) {
    case Verb::kSet:
      return taken + store_command(StoreMode::kSet, tokens, behind, request);
    case Verb::kAdd:
      return taken + store_command(StoreMode::kAdd, tokens, behind, request);
    case Verb::kReplace:
      return taken + store_command(StoreMode::kReplace, tokens, behind, request);
    case Verb::kAppend:
      return taken + store_command(StoreMode::kAppend, tokens, behind, request);
    case Verb::kPrepend:
      return taken + store_command(StoreMode::kPrepend, tokens, behind, request);
    case Verb::kCas:
      return taken + store_command(StoreMode::kCas, tokens, behind, request);
    case Verb::kDelete:
      remove(tokens, request);
      break;
    case Verb::kIncr:
    case Verb::kDecr:
      arithmetic(tokens, verb == Verb::kIncr, request);
      break;
    case Verb::kTouch:
      touch(tokens, request);
      break;
    case Verb::kFlushAll:
      flush_all(tokens, request);
      break;
    case Verb::kStats:
      stats(tokens, request);
      break;
    case Verb::kVersion:
      version(request);
      break;
    case Verb::kVerbosity:
      verbosity(tokens, request);
      break;
    case Verb::kQuit:
      // No connection to close. What stands behind it is not executed.
      return input.size();
    case Verb::kMetaNoop:
      say_always(request, "MN\r\n");
      break;
    case Verb::kShutdown:
      say_always(request, "ERROR: shutdown not enabled\r\n");
      break;
    default:
      say_always(request, kError);
  }
  return taken;
}

}  // namespace plumbline::memcached
