// A guest's side of one ring, for tests: its memory, its descriptors, what it makes available and
// what it finds used.
#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "vring/split_vring.hh"

namespace plumbline::generator {

class TestGuest {
 public:
  static constexpr uint64_t kBase = 0x100000;
  static constexpr size_t kBufferBytes = 2048;
  static constexpr size_t kBuffers = 256;

  explicit TestGuest(uint16_t size, bool event_index = false, uint16_t header_bytes = 12)
      : descriptors(size),
        available(3 + size),
        used(2 + 4 * size + 2),
        bytes_(kBuffers * kBufferBytes),
        call_file_(eventfd(0, EFD_NONBLOCK)) {
    area.descriptors = descriptors.data();
    area.available = reinterpret_cast<vring_avail*>(available.data());
    area.used = reinterpret_cast<vring_used*>(used.data());
    area.size = size;
    area.call_file = call_file_;
    area.event_index = event_index;
    area.header_bytes = header_bytes;
    memory = GuestMemory({{kBase, bytes_.size(), bytes_.data()}});
  }
  ~TestGuest() { close(call_file_); }
  TestGuest(const TestGuest&) = delete;
  TestGuest& operator=(const TestGuest&) = delete;

  uint8_t* buffer(size_t number) { return bytes_.data() + number * kBufferBytes; }
  static uint64_t address(size_t number) { return kBase + number * kBufferBytes; }
  void describe(uint16_t index, uint64_t at, uint32_t length, uint16_t flags, uint16_t next = 0) {
    descriptors[index] = {at, length, flags, next};
  }
  void offer(uint16_t head) {
    area.available->ring[area.available->idx % area.size] = head;
    ++area.available->idx;
  }
  // What the other side has given back since the last call: head and length.
  std::optional<vring_used_elem> next_used() {
    if (seen_used_ == area.used->idx) return std::nullopt;
    return area.used->ring[seen_used_++ % area.size];
  }
  uint16_t& used_event() { return area.available->ring[area.size]; }
  uint16_t available_event() const { return available_event_of(area); }
  uint64_t interrupts() {
    uint64_t count = 0;
    return read(call_file_, &count, sizeof count) == sizeof count ? count : 0;
  }

  RingArea area;
  GuestMemory memory;
  std::vector<vring_desc> descriptors;
  std::vector<uint16_t> available;
  std::vector<uint16_t> used;

 private:
  static uint16_t available_event_of(const RingArea& area) {
    uint16_t event = 0;
    std::memcpy(&event, &area.used->ring[area.size], sizeof event);
    return event;
  }

  std::vector<uint8_t> bytes_;
  int call_file_;
  uint16_t seen_used_ = 0;
};

}  // namespace plumbline::generator
