// A received UDP datagram that waits in a socket.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>

#include "linux/sockets/datagram_memory.hh"
#include "net/udp.hh"
#include "net/wire/ethernet.hh"

namespace plumbline::linux_abi {

// Interfaces as SIOCGIFINDEX numbers them.
inline constexpr int kLoopbackIndex = 1, kDeviceIndex = 2;

// What came with a datagram besides its bytes.
struct DatagramHeader {
  net::UdpEndpoint source;
  net::UdpEndpoint destination;
  std::uint8_t type_of_service = 0;
  std::uint8_t time_to_live = 64;
  // As SIOCGIFINDEX numbers them.
  std::uint8_t interface = 0;
};

// Of a datagram that has arrived at the device.
[[gnu::always_inline]] inline DatagramHeader arrived_header(const net::UdpDatagram& arrived) {
  DatagramHeader header{arrived.source, arrived.destination};
  header.interface = kDeviceIndex;
  if (arrived.buffer != nullptr) {
    // The IPv4 header stands in front of the UDP header, at a fixed place of the frame.
    const std::byte* const ip = arrived.buffer->data + net::EthernetHeader::kSize;
    header.type_of_service = static_cast<std::uint8_t>(ip[1]);
    header.time_to_live = static_cast<std::uint8_t>(ip[8]);
  }
  return header;
}

// The bytes follow the object in the same piece of memory.
struct Datagram {
  // What it is charged with beyond its bytes: about what Linux counts, so that as many fit into a
  // buffer as there.
  static constexpr std::size_t kOverhead = 640;

  static Datagram* create(std::size_t length, const DatagramHeader& header = {}) {
    void* memory = datagram_memory::allocate(sizeof(Datagram) + length);
    if (memory == nullptr) return nullptr;
    return new (memory) Datagram(header, length);
  }
  // The same for callers that have interrupts masked.
  static Datagram* create_masked(std::size_t length, const DatagramHeader& header) {
    void* memory = datagram_memory::allocate_masked(sizeof(Datagram) + length);
    if (memory == nullptr) [[unlikely]]
      return nullptr;
    return new (memory) Datagram(header, length);
  }
  std::byte* data() { return reinterpret_cast<std::byte*>(this + 1); }
  std::size_t charge() const { return ((length + 127) & ~std::size_t{127}) + kOverhead; }

  void retain() { references.fetch_add(1, std::memory_order_relaxed); }
  void release() {
    // In the usual case there is one holder, who need not tell anybody.
    if (references.load(std::memory_order_acquire) == 1 ||
        references.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      const std::size_t size = sizeof(Datagram) + length;
      this->~Datagram();
      datagram_memory::release(this, size);
    }
  }

  Datagram(const DatagramHeader& what, std::size_t size)
      : header(what), length(static_cast<std::uint32_t>(size)) {}

  Datagram* next = nullptr;
  DatagramHeader header;
  std::uint32_t length = 0;
  // More than one while somebody looks at it with MSG_PEEK.
  std::atomic<std::uint32_t> references{1};
};

// Frees the datagram at the end of a scope.
class DatagramReference {
 public:
  explicit DatagramReference(Datagram* datagram) : datagram_(datagram) {}
  ~DatagramReference() {
    if (datagram_ != nullptr) datagram_->release();
  }
  DatagramReference(const DatagramReference&) = delete;
  DatagramReference& operator=(const DatagramReference&) = delete;
  Datagram* get() const { return datagram_; }
  Datagram* operator->() const { return datagram_; }
  Datagram* leak() {
    Datagram* datagram = datagram_;
    datagram_ = nullptr;
    return datagram;
  }

 private:
  Datagram* datagram_;
};

}  // namespace plumbline::linux_abi
