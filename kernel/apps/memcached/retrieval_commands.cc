#include "apps/memcached/protocol.hh"
#include "apps/memcached/responses.hh"

namespace plumbline::memcached {

namespace {

// A multi-get may ask for far more than anybody wants over UDP; memcached would send it all.
constexpr size_t kMaximumAnswer = 16 << 20;

// What the text of an item with its CAS id takes: " <cas>" comes before the suffix' line end.
size_t cas_length(const Item& item, std::array<std::byte, 21>& text) {
  text[0] = std::byte{' '};
  return 1 + write_decimal(text.data() + 1, item.cas);
}

// Appends "VALUE key flags length[ cas]\r\nvalue\r\n".
void append_item(UdpAnswer& answer, const Item& item, bool with_cas) {
  answer.append(bytes_of(kValue).data(), kValue.size());
  if (!with_cas) {
    answer.append(item.text(), item.text_length());
    return;
  }
  std::array<std::byte, 21> cas;
  const size_t length = cas_length(item, cas);
  const size_t head = size_t{item.key_length} + item.suffix_length - 2;
  answer.append(item.text(), head);
  answer.append(cas.data(), length);
  answer.append(item.text() + head, item.text_length() - head);
}

size_t item_answer_length(const Item& item, bool with_cas) {
  std::array<std::byte, 21> cas;
  return kValue.size() + item.text_length() + (with_cas ? cas_length(item, cas) : 0);
}

}  // namespace

// Answers a get of one key; the first datagram may overwrite the request.
void Protocol::get_one(std::string_view key, uint64_t hash, bool with_cas, Request& request) {
  counters_.add(Count::kGet);
  const bool hit = store_.with(hash, [&](Shard& shard) {
    const Item* const item = shard.find(bytes_of(key), hash);
    if (item == nullptr) return false;
    UdpAnswer answer(request.responder, request.id, request.in_place);
    answer.begin(item_answer_length(*item, with_cas) + kEnd.size());
    append_item(answer, *item, with_cas);
    answer.append(bytes_of(kEnd).data(), kEnd.size());
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
    answer.append(bytes_of(kEnd).data(), kEnd.size());
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

}  // namespace plumbline::memcached
