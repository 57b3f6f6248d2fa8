// The name of a file in a directory, shared by the directory's entry and the vnode.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/reference.hh"

namespace plumbline {

// Longest name in a directory, and longest path with its final zero (Linux, limits.h).
inline constexpr std::size_t kLongestName = 255, kLongestPath = 4096;

class Name final : public ReferenceCounted {
 public:
  // Null when memory is short.
  static Ref<Name> create(std::string_view text);
  std::string_view text() const { return {reinterpret_cast<const char*>(this + 1), length_}; }
  std::uint32_t hash() const { return hash_; }

 private:
  explicit Name(std::string_view text);
  void destroy() override;

  const std::uint32_t length_;
  const std::uint32_t hash_;
};

// Used by directories; differs between names with high probability, not against an enemy.
std::uint32_t hash_name(std::string_view text);

}  // namespace plumbline
