#include "fs/name.hh"

#include <cstring>
#include <new>

namespace plumbline {

Name::Name(std::string_view text)
    : length_(static_cast<std::uint32_t>(text.size())), hash_(hash_name(text)) {
  std::memcpy(reinterpret_cast<char*>(this + 1), text.data(), text.size());
}

Ref<Name> Name::create(std::string_view text) {
  void* const place = ::operator new(sizeof(Name) + text.size(), std::nothrow);
  if (place == nullptr) return nullptr;
  return Ref<Name>::adopt(new (place) Name(text));
}

void Name::destroy() {
  this->~Name();
  ::operator delete(static_cast<void*>(this));
}

std::uint32_t hash_name(std::string_view text) {
  // Multiply and fold, eight bytes at a time: names are mostly shorter than 16.
  constexpr std::uint64_t kMultiplier = 0x9e37'79b9'7f4a'7c15;
  std::uint64_t hash = text.size() * kMultiplier;
  std::size_t at = 0;
  for (; at + 8 <= text.size(); at += 8) {
    std::uint64_t word;
    std::memcpy(&word, text.data() + at, 8);
    hash = (hash ^ word) * kMultiplier;
    hash ^= hash >> 32;
  }
  std::uint64_t tail = 0;
  for (; at < text.size(); ++at) tail = tail << 8 | static_cast<unsigned char>(text[at]);
  hash = (hash ^ tail) * kMultiplier;
  return static_cast<std::uint32_t>(hash >> 32);
}

}  // namespace plumbline
