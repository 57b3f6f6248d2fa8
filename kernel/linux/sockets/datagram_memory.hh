// Memory for datagrams that wait in sockets.
#pragma once

#include <cstddef>
#include <new>

#ifndef PLUMBLINE_HOSTED
#include <array>

#include "arch/x86_64/interrupts.hh"
#include "core/units.hh"
#endif

namespace plumbline::linux_abi::datagram_memory {

#ifdef PLUMBLINE_HOSTED

// The sanitizers are to see each datagram's end.
inline void* allocate(std::size_t size) { return ::operator new(size, std::nothrow); }
inline void* allocate_masked(std::size_t size) { return allocate(size); }
inline void release(void* memory, std::size_t) { ::operator delete(memory); }

#else

// Each CPU keeps some pieces of one size, enough for what requests usually are, apart from the
// heap: a datagram that comes and goes costs a few instructions and not the heap's hundred. Larger
// ones are the heap's.
inline constexpr std::size_t kPiece = 512;
inline constexpr unsigned kMostKept = 128;

struct Piece {
  Piece* next;
};
struct alignas(kCacheLine) Kept {
  Piece* first = nullptr;
  unsigned count = 0;
};
extern std::array<Kept, kMaxCpus> kept;

// Null: no memory. `size` is the same for both.
[[gnu::always_inline]] inline void* allocate_masked(std::size_t size) {
  if (size > kPiece) [[unlikely]]
    return ::operator new(size, std::nothrow);
  Kept& here = kept[this_cpu().index];
  if (Piece* const piece = here.first; piece != nullptr) [[likely]] {
    here.first = piece->next;
    --here.count;
    return piece;
  }
  return ::operator new(kPiece, std::nothrow);
}
inline void* allocate(std::size_t size) {
  if (size > kPiece) return ::operator new(size, std::nothrow);
  const InterruptGuard masked;
  return allocate_masked(size);
}

inline void release(void* memory, std::size_t size) {
  if (size <= kPiece) [[likely]] {
    const InterruptGuard masked;
    Kept& here = kept[this_cpu().index];
    if (here.count < kMostKept) [[likely]] {
      here.first = new (memory) Piece{here.first};
      ++here.count;
      return;
    }
  }
  ::operator delete(memory);
}

#endif

}  // namespace plumbline::linux_abi::datagram_memory
