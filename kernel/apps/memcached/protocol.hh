// memcached's text protocol over UDP (protocol.txt of memcached 1.6), answered from the request's
// own packet buffer.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string_view>

#include "apps/memcached/command_line.hh"
#include "apps/memcached/server_store.hh"
#include "apps/memcached/statistics.hh"
#include "apps/memcached/udp_answer.hh"

namespace plumbline::memcached {

// What the threads of one server share.
struct Server {
  ServerStore& store;
  CoarseClock& clock;
  AllCounters counters;
};

// One thread's protocol interpreter. It has no state between datagrams but its counters.
class Protocol {
 public:
  explicit Protocol(Server& server) : server_(server), store_(server.store) {
    const bool attached = server.counters.attach(counters_);
    ASSERT_MSG(attached, "more protocol threads than AllCounters::kMaximumThreads");
  }
  Protocol(const Protocol&) = delete;
  Protocol& operator=(const Protocol&) = delete;

  // To bind on a port; the Protocol must outlive the binding.
  net::UdpHandler handler();

  // Executes the commands of a datagram. `hint` is what prepare() returned for it, or 0.
  void receive(std::span<std::byte> datagram, uint64_t hint, net::UdpResponder& responder);
  // The Hint of the first command's key, with its bucket being prefetched; 0 for what has no key.
  uint64_t prepare(std::span<const std::byte> datagram);
  void prefetch(uint64_t hint);

  const Counters& counters() const { return counters_; }

 private:
  // What prepare() found out: the key's hash and, where the datagram is a plain get of one key, the
  // key's length above it (0: it is not). The store uses no more bits of a hash than these.
  struct Hint {
    static constexpr unsigned kLengthAt = 56;
    static constexpr uint64_t kHash = (uint64_t{1} << kLengthAt) - 1;
    static_assert(Shard::kMaximumKey < 256);
  };
  // One command's surroundings. `in_place`: the request is not needed any more once an answer
  // begins.
  struct Request {
    net::UdpResponder& responder;
    uint16_t id;
    bool in_place;
    bool quiet = false;  // noreply
  };
  enum class Verb : uint8_t {
    kUnknown,
    kGet,
    kGets,
    kGat,
    kGats,
    kSet,
    kAdd,
    kReplace,
    kAppend,
    kPrepend,
    kCas,
    kDelete,
    kIncr,
    kDecr,
    kTouch,
    kFlushAll,
    kStats,
    kVersion,
    kVerbosity,
    kQuit,
    kMetaNoop,
    kShutdown
  };

  // Executes the command at the front of `input`; returns how many bytes it took.
  size_t execute(std::string_view input, Request& request);
  void get_plain(std::span<const std::byte> key, uint64_t hash, Request request);
  void get_one(std::string_view key, uint64_t hash, bool with_cas, Request& request);
  void get(std::string_view keys, bool with_cas, const int64_t* expiry, Request& request);
  // A key and its hash.
  struct KeyHash {
    std::span<const std::byte> key;
    uint64_t hash;
  };
  std::optional<KeyHash> single_key(const Tokens& tokens, size_t least, size_t most,
                                    Request& request);
  size_t store_command(StoreMode mode, const Tokens& tokens, std::string_view behind,
                       Request& request);
  void remove(const Tokens& tokens, Request& request);
  void arithmetic(const Tokens& tokens, bool increment, Request& request);
  void touch(const Tokens& tokens, Request& request);
  void flush_all(const Tokens& tokens, Request& request);
  void stats(const Tokens& tokens, Request& request);
  void version(Request& request);
  void verbosity(const Tokens& tokens, Request& request);

  static Verb verb_of(std::string_view word);
  void say(Request& request, std::string_view text);
  void say_always(Request& request, std::string_view text) {
    request.quiet = false;
    say(request, text);
  }

  Server& server_;
  ServerStore& store_;
  Counters counters_;
  std::array<char, kStatsBytes> text_;
};

}  // namespace plumbline::memcached
