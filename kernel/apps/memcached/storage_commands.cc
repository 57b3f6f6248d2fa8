#include "apps/memcached/protocol.hh"
#include "apps/memcached/responses.hh"

namespace plumbline::memcached {

namespace {

constexpr std::string_view kBadChunk = "CLIENT_ERROR bad data chunk\r\n";
constexpr std::string_view kTooLarge = "SERVER_ERROR object too large for cache\r\n";
constexpr std::string_view kNoMemory = "SERVER_ERROR out of memory storing object\r\n";

}  // namespace

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

}  // namespace plumbline::memcached
