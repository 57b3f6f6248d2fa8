// A run of a stream's bytes in buffers chained by `next`.
#pragma once

#include <cstdint>

#include "net/packet_buffer.hh"

namespace plumbline::net {

// Owns nothing by itself: a queue takes care of its pieces. None of them is empty.
struct PieceList {
  PacketBuffer* first = nullptr;
  PacketBuffer* last = nullptr;

  bool empty() const { return first == nullptr; }
  void push_back(PacketBuffer* piece) {
    piece->next = nullptr;
    if (first == nullptr)
      first = piece;
    else
      last->next = piece;
    last = piece;
  }
  // Puts another list's pieces behind this one's.
  void append(PieceList other) {
    if (other.first == nullptr) return;
    if (first == nullptr)
      first = other.first;
    else
      last->next = other.first;
    last = other.last;
  }
  PacketBuffer* pop_front() {
    PacketBuffer* const piece = first;
    first = piece->next;
    if (first == nullptr) last = nullptr;
    piece->next = nullptr;
    return piece;
  }
};

}  // namespace plumbline::net
