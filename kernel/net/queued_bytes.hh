// Bytes of a stream that wait to be sent or acknowledged, in pieces: what the send queues of both
// variants have in common.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

#include "net/packet_buffer.hh"
#include "net/queue_memory.hh"

namespace plumbline::net {

// Derived is the variant's queue. It has
//   static constexpr uint32_t kRoom              bytes in front of a piece's payload
//   bool may_append(const PacketBuffer* tail)    whether more bytes may go behind a piece's
//   PacketBuffer* allocate(uint32_t bytes)       a piece for (the first of) so many more bytes
//   PacketBuffer* describe(of, data, length)     a piece that is somebody's memory; nullptr: copy
template <class Derived>
class QueuedBytes {
 public:
  explicit QueuedBytes(QueueMemory& memory) : memory_(&memory) {}
  ~QueuedBytes() { acknowledge(size_); }
  QueuedBytes(const QueuedBytes&) = delete;
  QueuedBytes& operator=(const QueuedBytes&) = delete;

  // Goes on with other memory; it must have no bytes.
  void move_to(QueueMemory& memory) {
    ASSERT(first_ == nullptr);
    memory_ = &memory;
    cursor_ = nullptr;
    skip_ = 0;
  }

  // Bytes held: sent and not acknowledged, and not sent yet.
  uint32_t size() const { return size_; }
  // Bytes of memory that they tie up: what SO_SNDBUF is compared with.
  uint32_t memory() const { return footprint_; }

  // Appends up to `length` bytes, which `copy(std::span<std::byte> to) -> size_t` writes; when it
  // gives fewer than it is asked for, that is the end. It must not sleep. Returns how many came;
  // fewer than `length` also for want of memory.
  template <class Copy>
  uint32_t append(uint32_t length, Copy&& copy) {
    uint32_t done = 0;
    while (done < length) {
      const std::span<std::byte> room = reserve(length - done);
      if (room.empty()) break;
      const size_t count = copy(room);
      ASSERT(count <= room.size());
      if (count != 0) memory_->count(CopyWay::kFromProgram, count);
      commit(static_cast<uint32_t>(count));
      done += static_cast<uint32_t>(count);
      if (count < room.size()) break;
    }
    return done;
  }

  // Room behind the last byte for up to `length` more, in one piece; empty: no memory. What is
  // written there joins the queue by commit(), the next call on the queue.
  std::span<std::byte> reserve(uint32_t length) {
    uint32_t room = last_ == nullptr ? 0 : room_in(last_);
    if (room == 0 || !derived().may_append(last_)) {
      PacketBuffer* const piece = derived().allocate(length);
      if (piece == nullptr) return {};
      piece->queued = 0;
      piece->role = BufferRole::kUnsent;
      push_piece(piece);
      room = room_in(piece);
    }
    return {payload(last_) + last_->queued, room < length ? room : length};
  }
  void commit(uint32_t length) {
    if (last_ == nullptr) return;
    ASSERT(length <= room_in(last_));
    last_->queued = static_cast<uint16_t>(last_->queued + length);
    size_ += length;
    if (last_->queued == 0) drop_last();
  }

  // Appends `length` bytes at `data` in the buffer `of`, where they lie if the variant can and it
  // is worth it, else by a copy. Nobody may change them before they are acknowledged. Returns how
  // many were taken: with all of them goes one reference to `of`, which comes back by release()
  // when the last of them is acknowledged and sent.
  uint32_t hand_over(PacketBuffer* of, std::byte* data, uint32_t length) {
    if (PacketBuffer* const piece = derived().describe(of, data, length); piece != nullptr) {
      piece->queued = static_cast<uint16_t>(length);
      piece->role = BufferRole::kLent;
      push_piece(piece);
      size_ += length;
      return length;
    }
    const std::byte* from = data;
    const uint32_t taken = append(length, [&](std::span<std::byte> to) {
      std::memcpy(to.data(), from, to.size());
      from += to.size();
      return to.size();
    });
    if (taken == length) release(of);
    return taken;
  }

  // Drops `length` bytes, at most size(), from the front.
  void acknowledge(uint32_t length) {
    ASSERT(length <= size_);
    size_ -= length;
    // In registers during the loop: releasing a piece may call anything, for all the compiler
    // knows.
    uint32_t skip = skip_ + length;
    PacketBuffer* piece = first_;
    if (piece != nullptr && skip >= piece->queued) {
      PacketBuffer* cursor = cursor_;
      uint32_t cursor_at = cursor_at_;
      uint32_t footprint = footprint_;
      do {
        PacketBuffer* const next = next_piece(piece);
        skip -= piece->queued;
        footprint -= piece->footprint();
        if (cursor == piece)
          cursor = nullptr;
        else
          cursor_at -= piece->queued;
        give_back(piece);
        piece = next;
      } while (piece != nullptr && skip >= piece->queued);
      first_ = piece;
      if (piece == nullptr) last_ = nullptr;
      cursor_ = cursor;
      cursor_at_ = cursor_at;
      footprint_ = footprint;
    }
    skip_ = skip;
  }

 protected:
  // A place in the queue.
  struct Place {
    PacketBuffer* piece;
    uint32_t offset;  // bytes of its payload in front of the place
  };

  static std::byte* payload(PacketBuffer* piece) { return piece->memory + Derived::kRoom; }
  static PacketBuffer* next_piece(const PacketBuffer* piece) {
    return static_cast<PacketBuffer*>(piece->link);
  }
  static uint32_t room_in(const PacketBuffer* piece) {
    return static_cast<uint32_t>(PacketBuffer::kHeadroom + piece->capacity - Derived::kRoom -
                                 piece->queued);
  }

  // Where the byte `offset` bytes behind the first is; `offset` is less than size().
  Place find(uint32_t offset) {
    uint32_t at = offset + skip_;
    // Sending goes on where it ended, mostly.
    if (cursor_ == nullptr || at < cursor_at_) {
      cursor_ = first_;
      cursor_at_ = 0;
    }
    at -= cursor_at_;
    while (at >= cursor_->queued) {
      at -= cursor_->queued;
      cursor_at_ += cursor_->queued;
      cursor_ = next_piece(cursor_);
    }
    return {cursor_, at};
  }

  QueueMemory& queue_memory() const { return *memory_; }

 private:
  Derived& derived() { return static_cast<Derived&>(*this); }

  void push_piece(PacketBuffer* piece) {
    piece->link = nullptr;
    if (last_ == nullptr)
      first_ = piece;
    else
      last_->link = piece;
    last_ = piece;
    footprint_ += piece->footprint();
  }

  // The last piece, which has no bytes: the program's copy failed at its first.
  void drop_last() {
    PacketBuffer* const piece = last_;
    if (first_ == piece) {
      first_ = last_ = nullptr;
    } else {
      PacketBuffer* before = first_;
      while (next_piece(before) != piece) before = next_piece(before);
      before->link = nullptr;
      last_ = before;
    }
    if (cursor_ == piece) cursor_ = nullptr;
    footprint_ -= piece->footprint();
    give_back(piece);
  }
  void give_back(PacketBuffer* piece) {
    piece->role = BufferRole::kFrame;
    memory_->pool().release(piece);
  }

  QueueMemory* memory_;
  PacketBuffer* first_ = nullptr;
  PacketBuffer* last_ = nullptr;
  // The piece found last, and the bytes of the pieces in front of it.
  PacketBuffer* cursor_ = nullptr;
  uint32_t cursor_at_ = 0;
  uint32_t size_ = 0;
  uint32_t footprint_ = 0;
  uint32_t skip_ = 0;  // acknowledged bytes of the first piece
};

}  // namespace plumbline::net
