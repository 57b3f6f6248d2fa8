#include "memory/application_memory.hh"

#include <algorithm>

extern "C" {
// arch/x86_64/application_access.S
std::size_t application_clear(void* to, std::size_t length);
std::size_t application_string(char* to, const char* from, std::size_t most);
bool application_load_word(const std::uint32_t* from, std::uint32_t* to);
bool application_exchange_word(std::uint32_t* at, std::uint32_t* expected, std::uint32_t desired);
bool application_touch(void* at, bool for_writing);
}

namespace plumbline {
namespace {

template <typename T>
T* pointer(std::uint64_t address) {
  return reinterpret_cast<T*>(address);
}

}  // namespace

std::size_t clear_application(std::uint64_t address, std::size_t length) {
  return length - application_clear(pointer<void>(address), length);
}

bool load_word_atomically(std::uint32_t& value, std::uint64_t address) {
  return is_application_range(address, sizeof value) &&
         application_load_word(pointer<const std::uint32_t>(address), &value);
}

bool compare_exchange_word(std::uint64_t address, std::uint32_t& expected, std::uint32_t desired) {
  return is_application_range(address, sizeof expected) &&
         application_exchange_word(pointer<std::uint32_t>(address), &expected, desired);
}

Status touch_application(std::uint64_t address, bool for_writing) {
  if (!is_application_range(address, 1) || !application_touch(pointer<void>(address), for_writing))
    return Errno::kEFAULT;
  return {};
}

Result<std::size_t> copy_string_from_application(std::span<char> to, std::uint64_t address) {
  if (address >= kApplicationEnd) return Errno::kEFAULT;
  const std::uint64_t most = std::min<std::uint64_t>(to.size(), kApplicationEnd - address);
  const std::size_t length = application_string(to.data(), pointer<const char>(address), most);
  if (length < most) return length;
  // Without an end: the buffer is full, or the string runs out of where programs live.
  if (length == to.size()) return Errno::kENAMETOOLONG;
  return Errno::kEFAULT;
}

}  // namespace plumbline
