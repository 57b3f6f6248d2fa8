// Bytes of a stream that have arrived and wait for their reader, in order and out of order: what
// the receive queues of both variants have in common.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "net/piece_list.hh"
#include "net/queue_memory.hh"
#include "net/tcp/reassembly.hh"

namespace plumbline::net {

using tcp::OffsetRange;

class ReceivedBytes {
 public:
  ReceivedBytes(const ReceivedBytes&) = delete;
  ReceivedBytes& operator=(const ReceivedBytes&) = delete;

  // Goes on with other memory; it must have no bytes, in order or not.
  void move_to(QueueMemory& memory) {
    ASSERT(in_order_.empty() && reassembly_ == nullptr);
    memory_ = &memory;
  }
  // Drops everything, in order or not.
  void clear() {
    if (has_out_of_order()) renege();
    discard(readable_);
  }

  // Bytes in order that have not been read.
  uint32_t readable() const { return readable_; }
  // Bytes of memory tied up, also by what is out of order: what SO_RCVBUF is compared with.
  uint32_t memory() const { return footprint_; }

  // Whether something is held beyond a gap.
  bool has_out_of_order() const { return reassembly_ != nullptr; }
  // Ranges held beyond the byte expected next, the most recently changed (or repeated) first, as
  // many as fit: the blocks of a SACK option (RFC 2018, section 4). How many there are.
  unsigned out_of_order(std::span<OffsetRange> to) const {
    return reassembly_ == nullptr ? 0 : reassembly()->recent(to);
  }

  // Gives up to `length` bytes, from the one `skip` bytes behind the first, to
  // `copy(std::span<const std::byte> from) -> size_t`, which takes as many as it says; fewer than
  // it was given is the end. It must not sleep. With `peek` they stay. Returns how many were taken.
  // `skip` is for peeking.
  template <class Copy>
  uint32_t read(uint32_t length, Copy&& copy, bool peek = false, uint32_t skip = 0) {
    ASSERT(peek || skip == 0);
    uint32_t done = 0;
    PacketBuffer* piece = in_order_.first;
    while (piece != nullptr && done < length) {
      if (skip >= piece->length) {
        skip -= piece->length;
        piece = piece->next;
        continue;
      }
      uint32_t wanted = piece->length - skip;
      if (wanted > length - done) wanted = length - done;
      const auto taken =
          static_cast<uint32_t>(copy(std::span<const std::byte>(piece->data + skip, wanted)));
      ASSERT(taken <= wanted);
      if (taken != 0) memory_->count(CopyWay::kToProgram, taken);
      done += taken;
      PacketBuffer* const next = piece->next;
      skip = 0;
      if (!peek && taken != 0) consume_front(taken);
      if (taken < wanted) break;
      piece = next;
    }
    return done;
  }
  // Drops up to `length` bytes unread; how many.
  uint32_t discard(uint32_t length);

  // Lends the first bytes in place: a buffer whose `data` and `length` they are, which are read by
  // this. It goes back by release(), when its reader is done. nullptr: nothing to be read.
  PacketBuffer* lend();

 protected:
  explicit ReceivedBytes(QueueMemory& memory) : memory_(&memory) {}
  ~ReceivedBytes();

  // Keeps bytes beyond a gap. `take(PieceList* previous, OffsetRange kept, PieceList& fresh) ->
  // uint32_t` puts those of `kept`, a part of `range`, into `fresh` or, where it is not nullptr,
  // to the end of `previous`, and gives how many there was memory for. True when all of the range
  // is held afterwards. `duplicate`, unless nullptr, gets the first part that was there before.
  template <class Take>
  bool keep_out_of_order(OffsetRange range, OffsetRange* duplicate, Take&& take) {
    if (duplicate != nullptr) *duplicate = {};
    // What is in order must find memory, whatever hostile peers send that is not.
    if (memory_->is_scarce() || !have_reassembly()) return false;
    const tcp::Reassembly::Place place = reassembly()->find(range);
    if (duplicate != nullptr) *duplicate = place.was_there;
    const uint32_t wanted = place.kept.end - place.kept.begin;
    if (wanted == 0) {
      drop_reassembly_if_empty();
      return place.duplicate;
    }
    PieceList* const previous = place.joins_previous ? &reassembly()->previous(place) : nullptr;
    PieceList fresh;
    if (take(previous, place.kept, fresh) == wanted) [[likely]] {
      forget_all(reassembly()->take_replaced(place));
      reassembly()->keep(place, fresh);
      return true;
    }
    forget_all(fresh);
    if (previous != nullptr) trim_to(*previous, reassembly()->previous_length(place));
    drop_reassembly_if_empty();
    return false;
  }
  // `added` bytes have been put behind in_order_: counts them, and what they make readable.
  uint32_t advance(uint32_t added);
  // Drops everything beyond the gap (RFC 2018, section 8 allows it): so that what was expected next
  // finds memory.
  void renege();
  // Makes reassembly() usable; false: no memory.
  bool have_reassembly();
  // Without ranges its page goes back.
  void drop_reassembly_if_empty();

  // The same as append() of the variants, by a copy.
  uint32_t append_copy(PacketBuffer* frame, uint32_t offset, uint32_t length);
  // Copies `length` bytes, `offset` bytes behind the frame's first, to the end of `list`, in pieces
  // of pages. How many there was memory for.
  uint32_t copy_to(PieceList& list, const PacketBuffer* frame, uint32_t offset, uint32_t length,
                   CopyWay way);
  void add_footprint(const PacketBuffer* piece) { footprint_ += piece->footprint(); }
  // Gives back a piece that is in no list any more.
  void forget(PacketBuffer* piece) {
    footprint_ -= piece->footprint();
    piece->role = BufferRole::kFrame;
    memory_->pool().release(piece);
  }
  void forget_all(PieceList list);
  // Drops `length` bytes, at most all, from the front of `list`.
  void trim_front(PieceList& list, uint32_t length);
  // Drops what is behind the first `length` bytes, at least one.
  void trim_to(PieceList& list, uint32_t length);

  tcp::Reassembly* reassembly() const {
    return reinterpret_cast<tcp::Reassembly*>(reassembly_->memory);
  }
  QueueMemory& queue_memory() const { return *memory_; }

  PieceList in_order_;

 private:
  void consume_front(uint32_t length) {
    readable_ -= length;
    PacketBuffer* const piece = in_order_.first;
    if (length == piece->length) {
      forget(in_order_.pop_front());
    } else {
      piece->data += length;
      piece->length -= length;
    }
  }

  QueueMemory* memory_;
  PacketBuffer* reassembly_ = nullptr;  // the page it lies in; nullptr: nothing is missing
  uint32_t readable_ = 0;
  uint32_t footprint_ = 0;
};

}  // namespace plumbline::net
