// Argument and environment strings on their way into a new program.
#pragma once

#include <cstddef>
#include <string_view>

#include "core/result.hh"

namespace plumbline::linux_abi {

// Zero-terminated strings, one after the other, in kernel memory. Portable.
class StringList {
 public:
  StringList() = default;
  ~StringList();
  StringList(const StringList&) = delete;
  StringList& operator=(const StringList&) = delete;

  // Appends `text`, which has no zero in it. kENOMEM.
  Status add(std::string_view text);
  // Room for a string of at most `length` bytes and its zero at the end, which commit takes over
  // once it is filled; null when memory is short.
  char* reserve(std::size_t length);
  void commit(std::size_t length);
  // Replaces the first string (if there is one) by `count` others. kENOMEM.
  Status replace_first(const std::string_view* texts, std::size_t count);

  std::size_t count() const { return count_; }
  // All of them with their zeros.
  const char* data() const { return bytes_; }
  std::size_t size() const { return size_; }
  std::string_view first() const { return count_ == 0 ? std::string_view() : bytes_; }
  // Gives the memory, from new[], to the caller.
  char* leak();

 private:
  char* bytes_ = nullptr;
  std::size_t size_ = 0, capacity_ = 0, count_ = 0;
};

}  // namespace plumbline::linux_abi
