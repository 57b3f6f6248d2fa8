#include "apps/memcached/protocol.hh"

#include <cstring>

#include "apps/memcached/responses.hh"

namespace plumbline::memcached {

namespace {

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

// Flat: the common request is answered without a call but those to the store and the interface.
[[gnu::flatten]] void Protocol::receive(std::span<std::byte> datagram, uint64_t hint,
                                        net::UdpResponder& responder) {
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

}  // namespace plumbline::memcached
