#include "drivers/virtio/console.hh"

#include <algorithm>
#include <array>
#include <cstring>

#include "core/clock.hh"
#include "core/idle.hh"
#include "core/log.hh"
#include "drivers/virtio/queue.hh"
#include "memory/pages.hh"

namespace plumbline::virtio {
namespace {

constexpr uint16_t kReceiveQueue = 0;
constexpr uint16_t kTransmitQueue = 1;
constexpr uint16_t kRing = 16;
constexpr Nanoseconds kPatience = milliseconds(200);

// One page: blocks for what is typed, and one for what is written.
struct Blocks {
  static constexpr size_t kInputs = 4;
  std::array<std::array<char, 256>, kInputs> input;
  std::array<char, 3072> output;
};
static_assert(sizeof(Blocks) <= kPageSize);

struct Console {
  Queue receive;
  Queue transmit;
  Blocks* blocks = nullptr;
  uint64_t blocks_physical = 0;
  size_t lost = 0;
  // What of an input block has not been read yet.
  char* input = nullptr;
  size_t input_at = 0;
  size_t input_length = 0;
};
Console* console = nullptr;
bool reserved = false;

uint64_t physical_of(const char* place) {
  return console->blocks_physical +
         static_cast<uint64_t>(place - reinterpret_cast<const char*>(console->blocks));
}

void notify(Queue& queue) {
  if (queue.ring.publish()) queue.doorbell.ring();
}

void offer_input(char* block) {
  console->receive.ring.add_writable(
      {physical_of(block), static_cast<uint32_t>(console->blocks->input[0].size())}, block);
}

IDLE_TEXT bool wait_for_output() {
  SplitQueue& ring = console->transmit.ring;
  Completion done;
  const Deadline deadline = Deadline::after(kPatience);
  while (ring.in_flight() != 0) {
    if (ring.take_used({&done, 1}) == 1) continue;
    if (ring.broken() != nullptr || deadline.passed()) return false;
    cpu_relax();
  }
  return true;
}

// Sends one block; false: the device did not take the one before.
bool write_block(std::span<const char> text) {
  if (!wait_for_output()) return false;
  char* const output = console->blocks->output.data();
  std::memcpy(output, text.data(), text.size());
  if (!console->transmit.ring.add_readable(
          {physical_of(output), static_cast<uint32_t>(text.size())}, output))
    return false;
  notify(console->transmit);
  return true;
}

}  // namespace

bool initialise_console() {
  Transport* const transport = claim_device(DeviceType::kConsole);
  if (transport == nullptr) return false;
  uint64_t features = 0;
  if (!negotiate(*transport, kFeatureVersion1, kFeatureEventIndex, features)) return false;
  const bool event_index = (features & kFeatureEventIndex) != 0;
  const PageBlock memory = allocate_pages(0, Zeroed::kYes);
  console = new Console;
  if (!memory ||
      !start_queue(*transport, kReceiveQueue, kRing, event_index, {}, console->receive) ||
      !start_queue(*transport, kTransmitQueue, kRing, event_index, {}, console->transmit)) {
    transport->write_status(kStatusFailed);
    console = nullptr;
    return false;
  }
  console->blocks = static_cast<Blocks*>(memory.data);
  console->blocks_physical = memory.physical().value;
  console->receive.ring.disarm_interrupt();
  console->transmit.ring.disarm_interrupt();
  transport->write_status(kStatusAcknowledge | kStatusDriver | kStatusFeaturesOk | kStatusDriverOk);
  for (auto& block : console->blocks->input) offer_input(block.data());
  notify(console->receive);
  log_info("%s: console", transport->name());
  return true;
}

void give_console_to_log() {
  if (!reserved && initialise_console()) log_attach_sink(console_write);
}

void reserve_console() { reserved = true; }

void console_write(std::span<const char> text) {
  if (console == nullptr) return;
  constexpr std::string_view kLost = "[console: text was lost]\n";
  if (console->lost != 0 && write_block(kLost)) console->lost = 0;
  while (!text.empty()) {
    const size_t length = std::min(text.size(), console->blocks->output.size());
    if (!write_block(text.first(length))) {
      console->lost += text.size();
      return;
    }
    text = text.subspan(length);
  }
  // The guest may end right after: what was written must be out by then.
  (void)wait_for_output();
}

size_t console_read(std::span<char> text) {
  if (console == nullptr) return 0;
  if (console->input == nullptr) {
    Completion done;
    if (console->receive.ring.take_used({&done, 1}) == 0) return 0;
    console->input = static_cast<char*>(done.token);
    console->input_at = 0;
    console->input_length = done.length;
  }
  const size_t length = std::min(text.size(), console->input_length - console->input_at);
  std::memcpy(text.data(), console->input + console->input_at, length);
  console->input_at += length;
  if (console->input_at == console->input_length) {
    offer_input(console->input);
    notify(console->receive);
    console->input = nullptr;
  }
  return length;
}

}  // namespace plumbline::virtio
