// What waits in a UNIX socket: bytes and what came along with them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>

#include "core/intrusive_list.hh"
#include "linux/sockets/message.hh"

namespace plumbline::linux_abi {

class UnixEndpoint;

// One send. The bytes follow the object in the same piece of memory.
struct UnixMessage {
  // What a message is charged with beyond its bytes: about what Linux counts (struct sk_buff and
  // its end, and the rounding), so that as many messages fit into a buffer as there.
  static constexpr std::size_t kOverhead = 640;

  // Null: no memory.
  static UnixMessage* create(std::size_t capacity) {
    void* memory = ::operator new(sizeof(UnixMessage) + capacity, std::nothrow);
    return memory == nullptr ? nullptr : new (memory) UnixMessage;
  }
  // Drops what it refers to, and its memory.
  static void destroy(UnixMessage* message) {
    message->~UnixMessage();
    ::operator delete(message);
  }

  std::byte* data() { return reinterpret_cast<std::byte*>(this + 1); }
  std::size_t left() const { return length - consumed; }
  std::size_t charge() const { return ((length + 127) & ~std::size_t{127}) + kOverhead; }

  ListHook hook;
  std::size_t length = 0;
  std::size_t consumed = 0;  // streams: read already
  ProcessCredentials credentials;
  Ref<FileBundle> files;
  // Datagrams: whom to tell when it was read, and whose name to give. A stream's sender is the
  // peer.
  Ref<UnixEndpoint> sender;
};

}  // namespace plumbline::linux_abi
