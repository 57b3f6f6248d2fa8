// Text that grows while it is written: the content of a file of /proc. Portable.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace plumbline::linux_abi {

// Appending never fails visibly; when memory was short, complete() says so at the end.
class TextBuffer {
 public:
  TextBuffer() = default;
  ~TextBuffer();
  TextBuffer(const TextBuffer&) = delete;
  TextBuffer& operator=(const TextBuffer&) = delete;

  void append(std::string_view text);
  void append(char character) { append(std::string_view(&character, 1)); }
  // printf-like; one call writes at most 511 bytes.
  [[gnu::format(printf, 2, 3)]] void print(const char* format, ...);
  // Fills up with spaces until the text since `start` is `width` bytes long.
  void pad_from(std::size_t start, std::size_t width);
  void clear() { length_ = 0; }

  std::string_view text() const { return {data_, length_}; }
  std::size_t length() const { return length_; }
  bool complete() const { return complete_; }

 private:
  bool reserve(std::size_t more);

  char* data_ = nullptr;
  std::size_t length_ = 0, capacity_ = 0;
  bool complete_ = true;
};

}  // namespace plumbline::linux_abi
