#include "apps/memcached/protocol.hh"
#include "apps/memcached/responses.hh"

namespace plumbline::memcached {

// The opening of the commands on one key, <verb> <key> ..., of `least` to `most` words. Nothing
// when the line is wrong; that has been said then.
std::optional<Protocol::KeyHash> Protocol::single_key(const Tokens& tokens, size_t least,
                                                      size_t most, Request& request) {
  if (tokens.count < least || tokens.count > most) {
    say_always(request, kError);
    return std::nullopt;
  }
  if (tokens[1].size() > Shard::kMaximumKey) {
    say(request, kBadFormat);
    return std::nullopt;
  }
  const auto key = bytes_of(tokens[1]);
  return KeyHash{key, store_.hash(key)};
}

void Protocol::remove(const Tokens& tokens, Request& request) {
  if (tokens.count == 3 || tokens.count == 4) {
    // A time of 0 is accepted for old clients.
    const bool zero = tokens[2] == "0";
    const bool valid = tokens.count == 3 ? zero || request.quiet : zero && request.quiet;
    if (!valid) {
      say(request, "CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]\r\n");
      return;
    }
  }
  const auto key = single_key(tokens, 2, 4, request);
  if (!key) return;
  const bool deleted =
      store_.with(key->hash, [&](Shard& shard) { return shard.remove(key->key, key->hash); });
  counters_.add(deleted ? Count::kDeleteHits : Count::kDeleteMisses);
  say(request, deleted ? std::string_view("DELETED\r\n") : kNotFound);
}

void Protocol::arithmetic(const Tokens& tokens, bool increment, Request& request) {
  const auto key = single_key(tokens, 3, 4, request);
  if (!key) return;
  const auto delta = parse_unsigned(tokens[2]);
  if (!delta) {
    say(request, "CLIENT_ERROR invalid numeric delta argument\r\n");
    return;
  }
  uint64_t result = 0;
  const DeltaOutcome outcome = store_.with(key->hash, [&](Shard& shard) {
    return shard.add_delta(key->key, key->hash, *delta, increment, result);
  });
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
  const auto key = single_key(tokens, 3, 4, request);
  if (!key) return;
  const auto expiry = parse_signed(tokens[2]);
  if (!expiry) {
    say(request, kBadExptime);
    return;
  }
  const uint32_t expires = server_.clock.expiry(*expiry);
  const bool touched = store_.with(
      key->hash, [&](Shard& shard) { return shard.touch(key->key, key->hash, expires); });
  counters_.add(Count::kTouch);
  counters_.add(touched ? Count::kTouchHits : Count::kTouchMisses);
  say(request, touched ? std::string_view("TOUCHED\r\n") : kNotFound);
}

}  // namespace plumbline::memcached
