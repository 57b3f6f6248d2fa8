#include "apps/memcached/protocol.hh"

#include <cstring>

namespace plumbline::memcached {

namespace {

constexpr std::string_view kError = "ERROR\r\n";
constexpr std::string_view kBadFormat = "CLIENT_ERROR bad command line format\r\n";
constexpr std::string_view kBadChunk = "CLIENT_ERROR bad data chunk\r\n";
constexpr std::string_view kBadExptime = "CLIENT_ERROR invalid exptime argument\r\n";
constexpr std::string_view kTooLarge = "SERVER_ERROR object too large for cache\r\n";
constexpr std::string_view kNoMemory = "SERVER_ERROR out of memory storing object\r\n";
constexpr std::string_view kNotFound = "NOT_FOUND\r\n";
constexpr std::string_view kEnd = "END\r\n";
constexpr std::string_view kValue = "VALUE ";
// A multi-get may ask for far more than anybody wants over UDP; memcached would send it all.
constexpr size_t kMaximumAnswer = 16 << 20;

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}
const std::byte* data_of(std::string_view text) { return bytes_of(text).data(); }

// The end of the word that starts at `at`: the first byte up to and including ' ', or `end`. A key
// may hold other control characters, which the general path sorts out.
[[gnu::always_inline]] inline const std::byte* find_word_end(const std::byte* at,
                                                             const std::byte* end) {
  constexpr uint64_t kOnes = 0x0101'0101'0101'0101;
  constexpr uint64_t kTops = kOnes * 0x80;
  while (end - at >= 8) {
    uint64_t word;
    std::memcpy(&word, at, 8);
    // The top bit of each byte below 0x21 (exact for the lowest such byte, the one looked for).
    const uint64_t found = (word - kOnes * 0x21) & ~word & kTops;
    if (found != 0) return at + __builtin_ctzll(found) / 8;
    at += 8;
  }
  while (at<end&& static_cast<uint8_t>(*at)> 0x20) ++at;
  return at;
}

// The first command's key of a datagram: the second word of its first line. Empty when there is
// none; then there is nothing to prefetch.
std::span<const std::byte> first_key(std::span<const std::byte> datagram) {
  const std::byte* const end = datagram.data() + datagram.size();
  if (datagram.size() <= UdpFrame::kSize + 4) return {};
  const std::byte* at = datagram.data() + UdpFrame::kSize;
  // Most often the verb has three letters.
  at = at[3] == std::byte{' '} ? at + 3 : find_word_end(at, end);
  if (at == end || *at != std::byte{' '}) return {};
  const std::byte* const key = at + 1;
  const auto length = static_cast<size_t>(find_word_end(key, end) - key);
  return length <= Shard::kMaximumKey ? std::span(key, length) : std::span<const std::byte>{};
}

// What the text of an item with its CAS id takes: " <cas>" comes before the suffix' line end.
size_t cas_length(const Item& item, std::array<std::byte, 21>& text) {
  text[0] = std::byte{' '};
  return 1 + write_decimal(text.data() + 1, item.cas);
}

// Appends "VALUE key flags length[ cas]\r\nvalue\r\n".
template <typename Sink>
void append_item(Sink& sink, const Item& item, bool with_cas) {
  sink.append(data_of(kValue), kValue.size());
  if (!with_cas) {
    sink.append(item.text(), item.text_length());
    return;
  }
  std::array<std::byte, 21> cas;
  const size_t length = cas_length(item, cas);
  const size_t head = size_t{item.key_length} + item.suffix_length - 2;
  sink.append(item.text(), head);
  sink.append(cas.data(), length);
  sink.append(item.text() + head, item.text_length() - head);
}

size_t item_answer_length(const Item& item, bool with_cas) {
  std::array<std::byte, 21> cas;
  return kValue.size() + item.text_length() + (with_cas ? cas_length(item, cas) : 0);
}

}  // namespace

net::UdpHandler Protocol::handler() {
  return {[](void* self, const net::UdpDatagram& datagram, net::UdpResponder& responder) {
            static_cast<Protocol*>(self)->receive(datagram.payload, datagram.hint, responder);
          },
          this,
          [](void* self, std::span<const std::byte> payload) {
            return static_cast<Protocol*>(self)->prepare(payload);
          },
          [](void* self, uint64_t hint) { static_cast<Protocol*>(self)->prefetch(hint); }};
}

uint64_t Protocol::prepare(std::span<const std::byte> datagram) {
  const auto key = first_key(datagram);
  if (key.empty()) return 0;
  const uint64_t hash = store_.hash(key) & Hint::kHash;
  store_.prefetch_bucket(hash);
  // The common request: "get <key>\r\n" and nothing behind it.
  const std::byte* const end = key.data() + key.size();
  const bool plain =
      load_unaligned<uint32_t>(datagram.data() + UdpFrame::kSize) == 0x20'74'65'67 /* "get " */ &&
      end + 2 == datagram.data() + datagram.size() && load_unaligned<uint16_t>(end) == 0x0a'0d;
  return hash | (plain ? uint64_t{key.size()} << Hint::kLengthAt : 0);
}

void Protocol::prefetch(uint64_t hint) {
  if (hint != 0) store_.prefetch_item(hint & Hint::kHash);
}

// Answers the common request. One short item is written over it in one go; the rest is get_one()'s.
inline void Protocol::get_plain(std::span<const std::byte> key, uint64_t hash, Request request) {
  const bool done = store_.with(hash, [&](Shard& shard) {
    const Item* const item = shard.find(key, hash);
    if (item == nullptr) return false;
    const size_t text = item->text_length();
    const std::span<std::byte> room = request.responder.room();
    // What is stored below beyond the answer's end must fit as well.
    constexpr size_t kAround = UdpFrame::kSize + kValue.size() + 8;
    if (text + kAround > UdpFrame::kMaximumDatagram || room.size() < UdpFrame::kMaximumDatagram)
        [[unlikely]]
      return false;
    std::byte* const to = room.data();
    UdpFrame{request.id, 0, 1}.emit(to);
    // Eight bytes with two spare ones, which the item overwrites.
    store_unaligned(to + UdpFrame::kSize, uint64_t{0x2045'554c'4156} /* "VALUE " */);
    std::byte* const end = to + UdpFrame::kSize + kValue.size() + text;
    copy_short(to + UdpFrame::kSize + kValue.size(), item->text(), text);
    store_unaligned(end, uint64_t{0x0a'0d44'4e45} /* "END\r\n" */);
    request.responder.reply_in_place(static_cast<size_t>(end - to) + kEnd.size());
    return true;
  });
  if (!done) [[unlikely]] {
    get_one({reinterpret_cast<const char*>(key.data()), key.size()}, hash, false, request);
    return;
  }
  counters_.add(Count::kGet);
  counters_.add(Count::kGetHits);
}

void Protocol::receive(std::span<std::byte> datagram, uint64_t hint, net::UdpResponder& responder) {
  const auto frame = UdpFrame::parse(datagram);
  if (!frame) return;
  counters_.add(Count::kBytesRead, datagram.size());

  // prepare() has read the common request already. (Should the datagram have been changed since, by
  // a host that keeps on writing, another key is looked up; nothing outside is read.)
  const std::byte* const verb = datagram.data() + UdpFrame::kSize;
  const size_t length = hint >> Hint::kLengthAt;
  if (length != 0) [[likely]] {
    ASSERT(datagram.size() == UdpFrame::kSize + 4 + length + 2);
    get_plain({verb + 4, length}, hint & Hint::kHash, {responder, frame->request_id, true});
    return;
  }

  std::string_view input(reinterpret_cast<const char*>(verb), datagram.size() - UdpFrame::kSize);
  while (!input.empty()) {
    Request request{responder, frame->request_id, false};
    const size_t taken = execute(input, request);
    input.remove_prefix(taken);
  }
}

// Answers a get of one key; the first datagram may overwrite the request.
void Protocol::get_one(std::string_view key, uint64_t hash, bool with_cas, Request& request) {
  counters_.add(Count::kGet);
  const bool hit = store_.with(hash, [&](Shard& shard) {
    const Item* const item = shard.find(bytes_of(key), hash);
    if (item == nullptr) return false;
    UdpAnswer answer(request.responder, request.id, request.in_place);
    answer.begin(item_answer_length(*item, with_cas) + kEnd.size());
    append_item(answer, *item, with_cas);
    answer.append(data_of(kEnd), kEnd.size());
    answer.end();
    return true;
  });
  if (hit) [[likely]] {
    counters_.add(Count::kGetHits);
  } else {
    counters_.add(Count::kGetMisses);
    say(request, kEnd);
  }
}

// get, gets, gat and gats of any number of keys: one answer, whose datagrams are numbered through.
void Protocol::get(std::string_view keys, bool with_cas, const int64_t* expiry, Request& request) {
  std::string_view rest = keys;
  size_t count = 0;
  std::string_view first;
  for (std::string_view key = next_word(rest); !key.empty(); key = next_word(rest)) {
    if (count++ == 0) first = key;
    if (key.size() > Shard::kMaximumKey) {
      say(request, kBadFormat);
      return;
    }
  }
  if (count == 0) {
    // memcached takes a gat without keys for a complete one.
    say(request, expiry == nullptr ? kError : kEnd);
    return;
  }
  if (count == 1 && expiry == nullptr) {
    get_one(first, store_.hash(bytes_of(first)), with_cas, request);
    return;
  }
  // The answer's size is needed before its first datagram, so the items are looked up twice, with
  // everything locked in between. (Should another thread move the clock on meanwhile and an item
  // expire, the answer ends short of what its frames announce, like one with a lost datagram.) The
  // keys are read again while the answer is written, so it does not overwrite the request.
  uint64_t hits = 0;
  uint64_t misses = 0;
  bool too_long = false;
  const auto for_each_key = [&](auto&& function) {
    rest = keys;
    for (std::string_view key = next_word(rest); !key.empty(); key = next_word(rest)) {
      const uint64_t hash = store_.hash(bytes_of(key));
      function(store_.locked(hash).find(bytes_of(key), hash));
    }
  };
  store_.with_all([&] {
    size_t size = kEnd.size();
    for_each_key([&](Item* item) {
      item == nullptr ? ++misses : ++hits;
      if (item != nullptr) size += item_answer_length(*item, with_cas);
    });
    too_long = size > kMaximumAnswer;
    if (too_long) return;
    UdpAnswer answer(request.responder, request.id, false);
    answer.begin(size);
    for_each_key([&](Item* item) {
      if (item != nullptr) append_item(answer, *item, with_cas);
    });
    answer.append(data_of(kEnd), kEnd.size());
    answer.end();
    if (expiry == nullptr) return;
    // After the answer: the new time may be "expired already".
    for_each_key([&](Item* item) {
      if (item != nullptr) item->expires = server_.clock.expiry(*expiry);
    });
  });
  counters_.add(Count::kGet, hits + misses);
  counters_.add(Count::kGetHits, hits);
  counters_.add(Count::kGetMisses, misses);
  if (expiry != nullptr) {
    counters_.add(Count::kTouch, hits + misses);
    counters_.add(Count::kTouchHits, hits);
    counters_.add(Count::kTouchMisses, misses);
  }
  if (too_long) say(request, "SERVER_ERROR out of memory writing get response\r\n");
}

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
  answer.append(data_of(text), text.size());
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
    case Verb::kVersion: {
      static constexpr std::string_view kPrefix = "VERSION ";
      UdpAnswer answer(request.responder, request.id, request.in_place);
      const std::string_view version = kServerVersion;
      answer.begin(kPrefix.size() + version.size() + 2);
      answer.append(data_of(kPrefix), kPrefix.size());
      answer.append(data_of(version), version.size());
      answer.append(data_of("\r\n"), 2);
      answer.end();
      break;
    }
    case Verb::kVerbosity:
      // There is nothing to be verbose about; accepted for the clients that send it.
      if (tokens.count < 2) {
        say_always(request, kError);
      } else {
        say(request, "OK\r\n");
      }
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

// set and its kin: <verb> <key> <flags> <exptime> <bytes> [<cas id>] [noreply], then the data.
// Returns how many bytes of `behind` were the data.
size_t Protocol::store_command(StoreMode mode, const Tokens& tokens, std::string_view behind,
                               Request& request) {
  const size_t fixed = mode == StoreMode::kCas ? 6 : 5;
  if (tokens.count != fixed && tokens.count != fixed + 1) {
    say_always(request, kError);
    return 0;
  }
  // A word too many that is not noreply is ignored, as memcached does.
  const auto flags = parse_unsigned(tokens[2], UINT32_MAX);
  const auto expiry = parse_signed(tokens[3]);
  const auto length = parse_unsigned(tokens[4], INT32_MAX - 2);
  const auto cas = mode == StoreMode::kCas ? parse_unsigned(tokens[5]) : std::optional<uint64_t>(0);
  if (tokens[1].size() > Shard::kMaximumKey || !flags || !expiry || !length || !cas) {
    say(request, kBadFormat);
    return 0;
  }
  const size_t with_end = *length + 2;
  const size_t taken = std::min(with_end, behind.size());
  request.in_place = taken == behind.size();
  counters_.add(Count::kSet);
  if (*length > store_.memory_limit()) {
    say(request, kTooLarge);
    return behind.size();
  }
  if (with_end > behind.size() || behind.substr(*length, 2) != "\r\n") {
    say(request, kBadChunk);
    return taken;
  }
  const auto key = bytes_of(tokens[1]);
  const StoreRequest wanted{key,
                            store_.hash(key),
                            static_cast<uint32_t>(*flags),
                            server_.clock.expiry(*expiry),
                            bytes_of(behind.substr(0, *length)),
                            *cas};
  const StoreOutcome outcome =
      store_.with(wanted.hash, [&](Shard& shard) { return shard.store(mode, wanted); });
  if (mode == StoreMode::kCas) {
    if (outcome == StoreOutcome::kNotFound) counters_.add(Count::kCasMisses);
    if (outcome == StoreOutcome::kExists) counters_.add(Count::kCasBadValue);
    if (outcome == StoreOutcome::kStored) counters_.add(Count::kCasHits);
  }
  switch (outcome) {
    case StoreOutcome::kStored:
      say(request, "STORED\r\n");
      break;
    case StoreOutcome::kNotStored:
      say(request, "NOT_STORED\r\n");
      break;
    case StoreOutcome::kExists:
      say(request, "EXISTS\r\n");
      break;
    case StoreOutcome::kNotFound:
      say(request, kNotFound);
      break;
    case StoreOutcome::kTooLarge:
      counters_.add(Count::kStoreTooLarge);
      say(request, kTooLarge);
      break;
    case StoreOutcome::kOutOfMemory:
      counters_.add(Count::kStoreNoMemory);
      say(request, kNoMemory);
      break;
  }
  return taken;
}

void Protocol::remove(const Tokens& tokens, Request& request) {
  if (tokens.count < 2 || tokens.count > 4) {
    say_always(request, kError);
    return;
  }
  if (tokens.count > 2) {
    // A time of 0 is accepted for old clients.
    const bool zero = tokens[2] == "0";
    const bool valid = tokens.count == 3 ? zero || request.quiet : zero && request.quiet;
    if (!valid) {
      say(request, "CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]\r\n");
      return;
    }
  }
  if (tokens[1].size() > Shard::kMaximumKey) {
    say(request, kBadFormat);
    return;
  }
  const auto key = bytes_of(tokens[1]);
  const uint64_t hash = store_.hash(key);
  const bool deleted = store_.with(hash, [&](Shard& shard) { return shard.remove(key, hash); });
  counters_.add(deleted ? Count::kDeleteHits : Count::kDeleteMisses);
  say(request, deleted ? std::string_view("DELETED\r\n") : kNotFound);
}

void Protocol::arithmetic(const Tokens& tokens, bool increment, Request& request) {
  if (tokens.count != 3 && tokens.count != 4) {
    say_always(request, kError);
    return;
  }
  if (tokens[1].size() > Shard::kMaximumKey) {
    say(request, kBadFormat);
    return;
  }
  const auto delta = parse_unsigned(tokens[2]);
  if (!delta) {
    say(request, "CLIENT_ERROR invalid numeric delta argument\r\n");
    return;
  }
  const auto key = bytes_of(tokens[1]);
  const uint64_t hash = store_.hash(key);
  uint64_t result = 0;
  const DeltaOutcome outcome = store_.with(
      hash, [&](Shard& shard) { return shard.add_delta(key, hash, *delta, increment, result); });
  switch (outcome) {
    case DeltaOutcome::kDone: {
      counters_.add(increment ? Count::kIncrHits : Count::kDecrHits);
      std::array<std::byte, 22> text;
      const size_t length = write_decimal(text.data(), result);
      text[length] = std::byte{'\r'};
      text[length + 1] = std::byte{'\n'};
      say(request, {reinterpret_cast<const char*>(text.data()), length + 2});
      break;
    }
    case DeltaOutcome::kNotFound:
      counters_.add(increment ? Count::kIncrMisses : Count::kDecrMisses);
      say(request, kNotFound);
      break;
    case DeltaOutcome::kNotNumeric:
      say(request, "CLIENT_ERROR cannot increment or decrement non-numeric value\r\n");
      break;
    case DeltaOutcome::kOutOfMemory:
      say(request, "SERVER_ERROR out of memory\r\n");
      break;
  }
}

void Protocol::touch(const Tokens& tokens, Request& request) {
  if (tokens.count != 3 && tokens.count != 4) {
    say_always(request, kError);
    return;
  }
  if (tokens[1].size() > Shard::kMaximumKey) {
    say(request, kBadFormat);
    return;
  }
  const auto expiry = parse_signed(tokens[2]);
  if (!expiry) {
    say(request, kBadExptime);
    return;
  }
  const auto key = bytes_of(tokens[1]);
  const uint64_t hash = store_.hash(key);
  const uint32_t expires = server_.clock.expiry(*expiry);
  const bool touched =
      store_.with(hash, [&](Shard& shard) { return shard.touch(key, hash, expires); });
  counters_.add(Count::kTouch);
  counters_.add(touched ? Count::kTouchHits : Count::kTouchMisses);
  say(request, touched ? std::string_view("TOUCHED\r\n") : kNotFound);
}

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
  say(request, "OK\r\n");
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

}  // namespace plumbline::memcached
