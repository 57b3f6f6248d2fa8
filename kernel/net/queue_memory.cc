#include "net/queue_memory.hh"

#include <algorithm>
#include <new>

#include "core/units.hh"

namespace plumbline::net {

namespace {

constexpr size_t piece_bytes(unsigned order) { return kPageSize << order; }
constexpr size_t kReferencesPerPage = kPageSize / sizeof(PacketBuffer);
// Kept for the next piece, beside what is in use. A stream of 64 KiB messages takes and gives a
// few pieces at a time; this is many of them.
constexpr size_t kMostKept = kMiB;

}  // namespace

QueueMemory::QueueMemory(BufferPool& pool, const tcp::MemorySource& pages, size_t most_bytes,
                         PhysicalAddressOf physical)
    : pool_(pool),
      pages_(pages),
      physical_(physical),
      most_bytes_(most_bytes),
      most_kept_(std::min(kMostKept, most_bytes / 8)),
      // Sent and not acknowledged is at most what is there beyond a quarter of the pool, received
      // and not read beyond an eighth: the rest is for the receive ring and for headers.
      small_reserve_(std::max(pool.count() / 4, kForControl)),
      receive_reserve_(std::max(pool.count() / 8, kForControl)),
      piece_source_(take_back_piece, *this),
      reference_source_(take_back_reference, *this),
      description_source_(take_back_description, *this) {}

QueueMemory::~QueueMemory() {
  trim();
  ASSERT(references_in_use_ == 0);
  while (reference_pages_ != nullptr) {
    PacketBuffer* const page = reference_pages_;
    reference_pages_ = page->next;
    give_pages(page, 0);
  }
  ASSERT(bytes_in_use_ == 0);
}

std::byte* QueueMemory::take_pages(unsigned order) {
  const size_t bytes = piece_bytes(order);
  if (bytes_in_use_ + bytes_kept_ + bytes > most_bytes_) [[unlikely]] {
    // What is kept may be of other sizes than what is wanted.
    reclaim();
    trim();
    if (bytes_in_use_ + bytes > most_bytes_) {
      ++statistics_.pages_refused;
      return nullptr;
    }
  }
  void* const memory = pages_.allocate(pages_.context, bytes);
  if (memory == nullptr) {
    ++statistics_.pages_refused;
    return nullptr;
  }
  bytes_in_use_ += bytes;
  return static_cast<std::byte*>(memory);
}

void QueueMemory::give_pages(void* memory, unsigned order) {
  bytes_in_use_ -= piece_bytes(order);
  pages_.release(pages_.context, memory, piece_bytes(order));
}

PacketBuffer* QueueMemory::allocate_control(uint32_t headers) {
  if (!has_available(0)) [[unlikely]] {
    ++statistics_.buffers_refused;
    return nullptr;
  }
  PacketBuffer* const buffer = pool_.allocate();
  buffer->length = headers;
  return buffer;
}

PacketBuffer* QueueMemory::allocate_header(uint32_t headers) {
  if (!has_available(kForControl)) [[unlikely]] {
    ++statistics_.buffers_refused;
    return nullptr;
  }
  return allocate_control(headers);
}

PacketBuffer* QueueMemory::allocate_piece(uint32_t bytes) {
  unsigned order = 0;
  while (order < kMostOrder && bytes + sizeof(PacketBuffer) > piece_bytes(order)) ++order;
  for (;;) {
    PacketBuffer* piece = kept_[order];
    if (piece != nullptr) [[likely]] {
      kept_[order] = piece->next;
      bytes_kept_ -= piece_bytes(order);
      bytes_in_use_ += piece_bytes(order);
    } else {
      std::byte* const memory = take_pages(order);
      if (memory == nullptr) {
        // Fragmented memory, or a limit that is near, may still have a smaller one.
        if (order-- == 0) return nullptr;
        continue;
      }
      piece = new (memory) PacketBuffer{};
      piece->memory = memory + sizeof(PacketBuffer);
      piece->physical = physical_ == nullptr ? reinterpret_cast<uintptr_t>(piece->memory)
                                             : physical_(piece->memory);
      piece->capacity = static_cast<uint16_t>(piece_bytes(order) - sizeof(PacketBuffer) -
                                              PacketBuffer::kHeadroom);
      piece->source = &piece_source_;
    }
    piece->references = 1;
    piece->reset();
    return piece;
  }
}

void QueueMemory::take_back_piece(BufferSource& source, PacketBuffer* piece) {
  QueueMemory& memory = static_cast<Source&>(source).memory;
  unsigned order = 0;
  while (piece_bytes(order) != piece->footprint()) ++order;
  if (memory.bytes_kept_ + piece_bytes(order) > memory.most_kept_) {
    memory.give_pages(piece, order);
    return;
  }
  memory.bytes_in_use_ -= piece_bytes(order);
  memory.bytes_kept_ += piece_bytes(order);
  // Last in, first out: it is still in the cache.
  piece->next = memory.kept_[order];
  memory.kept_[order] = piece;
}

void QueueMemory::trim() {
  for (unsigned order = 0; order <= kMostOrder; ++order) {
    while (kept_[order] != nullptr) {
      PacketBuffer* const piece = kept_[order];
      kept_[order] = piece->next;
      bytes_kept_ -= piece_bytes(order);
      pages_.release(pages_.context, piece, piece_bytes(order));
    }
  }
}

// A page of descriptors. Their pages stay: a transmit ring refers to no more than it has entries,
// and what applications hand over is bounded by send buffers.
bool QueueMemory::add_references() {
  std::byte* const page = take_pages(0);
  if (page == nullptr) return false;
  auto* const first = new (page) PacketBuffer{};
  first->next = reference_pages_;
  reference_pages_ = first;
  for (size_t i = 1; i < kReferencesPerPage; ++i) {
    auto* const reference = new (page + i * sizeof(PacketBuffer)) PacketBuffer{};
    reference->source = &reference_source_;
    reference->next = references_;
    references_ = reference;
  }
  return true;
}

PacketBuffer* QueueMemory::take_descriptor() {
  if (references_ == nullptr && !add_references()) [[unlikely]]
    return nullptr;
  PacketBuffer* const descriptor = references_;
  references_ = descriptor->next;
  ++references_in_use_;
  descriptor->references = 1;
  descriptor->next = nullptr;
  descriptor->checksum = ChecksumState::kUnknown;
  return descriptor;
}

void QueueMemory::give_descriptor(PacketBuffer* descriptor) {
  descriptor->next = references_;
  references_ = descriptor;
  --references_in_use_;
}

PacketBuffer* QueueMemory::refer(PacketBuffer* of, std::byte* data, uint32_t length) {
  if (!of->share()) [[unlikely]]
    return nullptr;
  PacketBuffer* const reference = take_descriptor();
  if (reference == nullptr) [[unlikely]] {
    release(of);
    return nullptr;
  }
  reference->source = &reference_source_;
  reference->memory = of->memory;
  reference->physical = of->physical;
  reference->data = data;
  reference->length = length;
  // What it keeps from being free, roughly: for whoever holds it after the one that `of` is
  // accounted to.
  reference->capacity = static_cast<uint16_t>(length);
  reference->link = of;
  return reference;
}

void QueueMemory::take_back_reference(BufferSource& source, PacketBuffer* reference) {
  auto* const of = static_cast<PacketBuffer*>(reference->link);
  static_cast<Source&>(source).memory.give_descriptor(reference);
  release(of);
}

PacketBuffer* QueueMemory::describe(PacketBuffer* of, std::byte* data, uint32_t length,
                                    uint32_t room) {
  PacketBuffer* const piece = take_descriptor();
  if (piece == nullptr) [[unlikely]]
    return nullptr;
  piece->source = &description_source_;
  // Only what lies behind the room is ever touched.
  piece->memory = data - room;
  piece->physical = of->physical + static_cast<uint64_t>(data - of->memory) - room;
  piece->data = data;
  piece->length = length;
  const uint32_t least = length + room;
  // A device buffer is tied up however little of it is meant.
  const uint32_t held = of->source == &pool_ ? std::max<uint32_t>(of->capacity, least) : least;
  piece->capacity = static_cast<uint16_t>(held - PacketBuffer::kHeadroom);
  // The send queue has the link.
  piece->next = of;
  return piece;
}

void QueueMemory::take_back_description(BufferSource& source, PacketBuffer* piece) {
  PacketBuffer* const of = piece->next;
  static_cast<Source&>(source).memory.give_descriptor(piece);
  release(of);
}

}  // namespace plumbline::net
