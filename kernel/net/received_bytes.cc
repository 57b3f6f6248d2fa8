#include "net/received_bytes.hh"

#include <algorithm>
#include <cstring>
#include <new>

namespace plumbline::net {

using tcp::Reassembly;

ReceivedBytes::~ReceivedBytes() {
  forget_all(in_order_);
  if (reassembly_ == nullptr) return;
  for (size_t i = 0; i < reassembly()->count(); ++i) forget_all(reassembly()->pieces(i));
  forget(reassembly_);
}

void ReceivedBytes::forget_all(PieceList list) {
  while (!list.empty()) forget(list.pop_front());
}

void ReceivedBytes::trim_front(PieceList& list, uint32_t length) {
  while (length != 0) {
    PacketBuffer* const piece = list.first;
    if (length < piece->length) {
      piece->data += length;
      piece->length -= length;
      return;
    }
    length -= piece->length;
    forget(list.pop_front());
  }
}

uint32_t ReceivedBytes::discard(uint32_t length) {
  length = std::min(length, readable_);
  trim_front(in_order_, length);
  readable_ -= length;
  return length;
}

PacketBuffer* ReceivedBytes::lend() {
  if (in_order_.empty()) return nullptr;
  PacketBuffer* const piece = in_order_.pop_front();
  readable_ -= piece->length;
  footprint_ -= piece->footprint();
  piece->role = BufferRole::kFrame;
  return piece;
}

void ReceivedBytes::trim_to(PieceList& list, uint32_t length) {
  PacketBuffer* piece = list.first;
  while (length > piece->length) {
    length -= piece->length;
    piece = piece->next;
  }
  piece->length = length;
  PieceList rest{piece->next, list.last};
  piece->next = nullptr;
  list.last = piece;
  if (rest.first != nullptr) forget_all(rest);
}

bool ReceivedBytes::have_reassembly() {
  if (reassembly_ != nullptr) return true;
  PacketBuffer* const page = memory_->allocate_piece(sizeof(Reassembly));
  if (page == nullptr) return false;
  new (page->memory) Reassembly;
  reassembly_ = page;
  add_footprint(page);
  return true;
}

uint32_t ReceivedBytes::advance(uint32_t added) {
  readable_ += added;
  if (reassembly_ == nullptr) [[likely]]
    return added;
  reassembly()->advance(added);
  for (;;) {
    Reassembly::Next next = reassembly()->take_next();
    if (next.length == 0) break;
    if (next.skip >= next.length) {
      forget_all(next.pieces);
      continue;
    }
    trim_front(next.pieces, next.skip);
    in_order_.append(next.pieces);
    const uint32_t more = next.length - next.skip;
    reassembly()->advance(more);
    readable_ += more;
    added += more;
  }
  drop_reassembly_if_empty();
  return added;
}

void ReceivedBytes::drop_reassembly_if_empty() {
  if (!reassembly()->empty()) return;
  forget(reassembly_);
  reassembly_ = nullptr;
}

void ReceivedBytes::renege() {
  for (size_t i = 0; i < reassembly()->count(); ++i) forget_all(reassembly()->pieces(i));
  forget(reassembly_);
  reassembly_ = nullptr;
}

uint32_t ReceivedBytes::append_copy(PacketBuffer* frame, uint32_t offset, uint32_t length) {
  uint32_t copied = copy_to(in_order_, frame, offset, length, CopyWay::kFromDevice);
  if (copied != length && has_out_of_order()) [[unlikely]] {
    renege();
    copied += copy_to(in_order_, frame, offset + copied, length - copied, CopyWay::kFromDevice);
  }
  release_chain(frame);
  return advance(copied);
}

uint32_t ReceivedBytes::copy_to(PieceList& list, const PacketBuffer* frame, uint32_t offset,
                                uint32_t length, CopyWay way) {
  while (frame != nullptr && offset >= frame->length) {
    offset -= frame->length;
    frame = frame->next;
  }
  uint32_t left = length;
  while (left != 0 && frame != nullptr) {
    PacketBuffer* to = list.last;
    // Only memory of our own is filled up: a device's buffer may be somebody's frame as well.
    if (to == nullptr || !memory_->is_piece(to) || to->tailroom() == 0) {
      // A queue that has grown goes on growing, mostly: half of what it has is not waste.
      to = memory_->allocate_piece(std::max(left, readable_ / 2));
      if (to == nullptr) break;
      to->data = to->memory;
      to->role = BufferRole::kReceived;
      to->link = this;
      add_footprint(to);
      list.push_back(to);
    }
    const uint32_t part =
        std::min({left, static_cast<uint32_t>(to->tailroom()), frame->length - offset});
    std::memcpy(to->data + to->length, frame->data + offset, part);
    memory_->count(way, part);
    to->length += part;
    left -= part;
    offset += part;
    while (frame != nullptr && offset == frame->length) {
      offset = 0;
      frame = frame->next;
    }
  }
  return length - left;
}

}  // namespace plumbline::net
