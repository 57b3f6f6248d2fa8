// What a scripted application sees of its connection: a stream socket without the system calls.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

namespace plumbline::net::simulator {

class ByteStream {
 public:
  enum class Condition : uint8_t {
    kConnecting,
    kOpen,    // until both sides have closed; says nothing about who has sent what
    kFailed,  // reset by the peer, timed out or refused: see error()
  };

  virtual ~ByteStream() = default;

  virtual Condition condition() const = 0;
  // An errno, for kFailed.
  virtual int error() const = 0;
  // Takes as many bytes as there is room for; the answer says how many.
  virtual size_t write(std::span<const std::byte> bytes) = 0;
  // Bytes read; 0 when there are none now, or none any more (see at_end()).
  virtual size_t read(std::span<std::byte> to) = 0;
  // The peer has finished and everything it sent was read.
  virtual bool at_end() const = 0;
  // shutdown(SHUT_WR): nothing more will be written.
  virtual void finish() = 0;
  // close(): nothing more will be written or read. The stream must not be used afterwards.
  virtual void close() = 0;
  // close() with a linger time of zero: the peer is reset. The stream must not be used afterwards.
  virtual void abort() = 0;

  // Called when anything of the above may have changed, from the event queue: never from within a
  // call of this stream.
  std::function<void()> wake;
};

}  // namespace plumbline::net::simulator
