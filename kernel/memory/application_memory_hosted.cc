// The program's memory in hosted builds: any memory of the process. Addresses below
// kApplicationBegin are bad, so that tests can see what a bad address does.
#include <atomic>
#include <cstring>

#include "memory/application_memory.hh"

namespace plumbline {

std::size_t copy_from_application(void* to, std::uint64_t address, std::size_t length) {
  if (address < kApplicationBegin) return 0;
  std::memcpy(to, reinterpret_cast<const void*>(address), length);
  return length;
}

std::byte* gather_at_once(std::byte* to, std::size_t room, std::uint64_t segments,
                          std::size_t count) {
  for (; count != 0; --count, segments += sizeof(IoSegment)) {
    IoSegment segment;
    if (copy_from_application(&segment, segments, sizeof segment) != sizeof segment ||
        segment.length > room || segment.address >= kApplicationEnd ||
        copy_from_application(to, segment.address, segment.length) != segment.length)
      return nullptr;
    room -= segment.length;
    to += segment.length;
  }
  return to;
}

std::size_t copy_to_application(std::uint64_t address, const void* from, std::size_t length) {
  if (address < kApplicationBegin) return 0;
  std::memcpy(reinterpret_cast<void*>(address), from, length);
  return length;
}

std::size_t clear_application(std::uint64_t address, std::size_t length) {
  if (address < kApplicationBegin) return 0;
  std::memset(reinterpret_cast<void*>(address), 0, length);
  return length;
}

bool load_word_atomically(std::uint32_t& value, std::uint64_t address) {
  if (address < kApplicationBegin) return false;
  value = std::atomic_ref(*reinterpret_cast<std::uint32_t*>(address)).load();
  return true;
}

bool compare_exchange_word(std::uint64_t address, std::uint32_t& expected, std::uint32_t desired) {
  if (address < kApplicationBegin) return false;
  std::atomic_ref(*reinterpret_cast<std::uint32_t*>(address))
      .compare_exchange_strong(expected, desired);
  return true;
}

Status touch_application(std::uint64_t address, bool for_writing) {
  if (address < kApplicationBegin) return Errno::kEFAULT;
  return {};
}

Result<std::size_t> copy_string_from_application(std::span<char> to, std::uint64_t address) {
  if (address < kApplicationBegin) return Errno::kEFAULT;
  const auto* const from = reinterpret_cast<const char*>(address);
  const std::size_t length = strnlen(from, to.size());
  if (length == to.size()) return Errno::kENAMETOOLONG;
  std::memcpy(to.data(), from, length + 1);
  return length;
}

}  // namespace plumbline
