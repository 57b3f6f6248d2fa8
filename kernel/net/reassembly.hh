// Reassembly of fragmented datagrams of both families (RFC 791, section 3.2; RFC 8200, section 4.5)
// with RFC 815's hole lists.
#pragma once

#include <array>
#include <optional>
#include <span>

#include "net/wire/ip_address.hh"
#include "net/wire/ipv4.hh"

namespace plumbline::net {

// A fragment's place.
struct Fragment {
  IpAddress source;
  IpAddress destination;
  uint32_t identification = 0;
  uint16_t offset = 0;  // bytes, a multiple of 8
  bool more = false;
  uint8_t protocol = 0;

  static Fragment of(const Ipv4Header& header) {
    return {IpAddress::of(header.source), IpAddress::of(header.destination),
            header.identification,        header.fragment_offset,
            header.more_fragments,        header.protocol};
  }
};

// Puts fragments together in a fixed number of slots; a fragment is copied, so its packet buffer is
// free at once and an attacker can tie up only these slots. A datagram with overlapping fragments
// is dropped whole (as RFC 5722 orders for IPv6: overlaps serve attacks only); an exact repetition
// of data that is there is ignored. What repeats the place but not the bytes, or contradicts the
// end, belongs to another datagram: a sender has come round to an identification whose first use
// lost a fragment (RFC 4963). The older one will never be whole; the newer one takes its
// slot. In IPv6, whose numbers do not come round so soon, it loses both. Not thread safe.
class Reassembler {
 public:
  static constexpr size_t kMaximumSlots = 16;
  // A datagram's payload is at most 65515 bytes; hole descriptors may stand up to 7 bytes behind.
  static constexpr size_t kSlotBytes = 65536;
  // RFC 1122, 3.3.2 asks for 60 to 120 s; Linux keeps fragments for 30 s, and so do we.
  static constexpr uint64_t kTimeout = 30'000'000'000;
  // Fragments in order make one hole; this bounds the work that a scrambled flood can cause.
  static constexpr unsigned kMaximumHoles = 64;

  struct Statistics {
    uint64_t fragments = 0;
    uint64_t completed = 0;
    uint64_t timed_out = 0;
    uint64_t evicted = 0;    // pushed out by a newer datagram
    uint64_t replaced = 0;   // given up for a newer datagram with the same identification
    uint64_t malformed = 0;  // bad fragment lengths, overlaps, contradictions, too many holes
  };

  // As many slots of kSlotBytes as fit into `memory` (at most kMaximumSlots; none: every fragment
  // is dropped).
  explicit Reassembler(std::span<std::byte> memory);

  // Adds a fragment. Returns the whole payload when it was the last one missing: valid and
  // writable until the next call. `payload` is what follows the fragment's header.
  std::optional<std::span<std::byte>> add(const Fragment& header,
                                          std::span<const std::byte> payload, uint64_t now);
  // Drops what has waited longer than kTimeout. Call about once a second.
  void expire(uint64_t now);
  void clear();

  size_t pending() const;
  const Statistics& statistics() const { return statistics_; }

 private:
  // The missing range [first, last], kept in the hole itself, at `first`.
  struct Hole {
    uint16_t first;
    uint16_t last;
    uint16_t next;
  };
  static constexpr uint16_t kNone = 0xffff;      // `first` is a multiple of 8, so never this
  static constexpr uint16_t kInfinity = 0xffff;  // `last` of the hole whose end is not known

  struct Slot {
    bool used = false;
    uint8_t protocol = 0;
    uint32_t identification = 0;
    uint16_t first_hole = 0;
    uint16_t holes = 0;
    uint32_t length = 0;
    IpAddress source;
    IpAddress destination;
    uint64_t started = 0;
    std::byte* data = nullptr;

    Hole load(uint16_t at) const;
    void store(const Hole& hole);
  };
  enum class Insertion { kStored, kRepeated, kContradicts, kMalformed };

  Slot* find_or_take(const Fragment& header, uint64_t now);
  static void begin(Slot& slot, const Fragment& header, uint64_t now);
  static Insertion compare(const Slot& slot, const Fragment& header,
                           std::span<const std::byte> payload);
  static Insertion insert(Slot& slot, const Fragment& header, std::span<const std::byte> payload);

  std::array<Slot, kMaximumSlots> slots_{};
  size_t count_;
  Statistics statistics_;
};

}  // namespace plumbline::net
