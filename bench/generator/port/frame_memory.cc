#include "port/frame_memory.hh"

#include <sys/mman.h>

#include <algorithm>
#include <new>

namespace plumbline::generator {

namespace {

// Windows of a thousand connections that are written at one time, with their answers.
constexpr size_t kSmallBuffers = 32768;
// What a hundred streams may have in flight. Memory that is never touched costs nothing.
constexpr size_t kLargeBuffers = 1024;
// An odd number of cache lines, as between small ones (packet_buffer.hh), and room behind the frame
// for copies of whole vectors.
constexpr size_t kLargeStride = 1029 * 64;
static_assert(kLargeStride >= net::PacketBuffer::kHeadroom + FrameMemory::kMostBytes + 64);

}  // namespace

void FrameMemory::Unmap::operator()(std::byte* memory) const { munmap(memory, bytes); }

FrameMemory::Mapping FrameMemory::map(size_t bytes) {
  void* const memory =
      mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  return Mapping(static_cast<std::byte*>(memory), Unmap{bytes});
}

FrameMemory::FrameMemory()
    : small_memory_(map(net::BufferPool::bytes_needed(kSmallBuffers))),
      large_memory_(map(kLargeBuffers * kLargeStride)),
      large_buffers_(std::make_unique<net::PacketBuffer[]>(kLargeBuffers)) {
  small_.init({small_memory_.get(), net::BufferPool::bytes_needed(kSmallBuffers)}, 0);
  for (size_t i = kLargeBuffers; i-- > 0;) {
    net::PacketBuffer& buffer = large_buffers_[i];
    buffer.memory = large_memory_.get() + i * kLargeStride;
    buffer.source = &large_;
    buffer.references = 0;
    buffer.next = large_.free;
    large_.free = &buffer;
  }
}

FrameMemory::~FrameMemory() = default;

void FrameMemory::Large::take_back(net::BufferSource& source, net::PacketBuffer* buffer) {
  auto& large = static_cast<Large&>(source);
  buffer->next = large.free;
  large.free = buffer;
}

net::PacketBuffer* FrameMemory::allocate_large(uint32_t bytes) {
  net::PacketBuffer* const buffer = large_.free;
  if (buffer == nullptr) return nullptr;
  large_.free = buffer->next;
  buffer->references = 1;
  buffer->role = net::BufferRole::kFrame;
  buffer->reset();
  set_length(buffer, bytes);
  return buffer;
}

// What a queue counts against its window is what the frame needs, and not what is free behind it.
void FrameMemory::set_length(net::PacketBuffer* large, uint32_t bytes) {
  large->length = bytes;
  large->capacity = static_cast<uint16_t>(std::min<uint32_t>(bytes, UINT16_MAX));
}

}  // namespace plumbline::generator
