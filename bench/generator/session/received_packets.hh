// A burst of received packets as byte spans, freed at the end of its scope.
#pragma once

#include <rte_prefetch.h>

#include <array>
#include <cstdint>
#include <span>

#include "network/port.hh"

namespace plumbline::generator {

class ReceivedPackets {
 public:
  explicit ReceivedPackets(Port& port)
      : count_(port.receive(buffers_.data(), Port::kMaximumBurst)) {}
  ~ReceivedPackets() {
    if (count_ > 0) rte_pktmbuf_free_bulk(buffers_.data(), count_);
  }
  ReceivedPackets(const ReceivedPackets&) = delete;
  ReceivedPackets& operator=(const ReceivedPackets&) = delete;

  uint16_t count() const { return count_; }
  // The bytes of packet `index`; of one in several buffers a copy, valid until the next call.
  std::span<const uint8_t> frame(uint16_t index) {
    rte_mbuf* buffer = buffers_[index];
    if (index + 1 < count_) rte_prefetch0(rte_pktmbuf_mtod(buffers_[index + 1], void*));
    if (buffer->nb_segs == 1) [[likely]] {
      return {rte_pktmbuf_mtod(buffer, const uint8_t*), buffer->data_len};
    }
    static thread_local std::array<uint8_t, 65536> copy;
    const uint32_t bytes = std::min<uint32_t>(buffer->pkt_len, copy.size());
    const void* data = rte_pktmbuf_read(buffer, 0, bytes, copy.data());
    return {static_cast<const uint8_t*>(data), data == nullptr ? 0 : bytes};
  }

 private:
  // Not initialised: 512 bytes written on every poll would be a third of an empty poll's time.
  std::array<rte_mbuf*, Port::kMaximumBurst> buffers_;
  uint16_t count_;
};

}  // namespace plumbline::generator
