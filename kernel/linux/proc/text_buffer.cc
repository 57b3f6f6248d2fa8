#include "linux/proc/text_buffer.hh"

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstring>
#include <new>

#include "core/format.hh"

namespace plumbline::linux_abi {

TextBuffer::~TextBuffer() { delete[] data_; }

bool TextBuffer::reserve(std::size_t more) {
  if (capacity_ - length_ >= more) return true;
  const std::size_t wanted = std::max<std::size_t>({length_ + more, 2 * capacity_, 1024});
  char* grown = new (std::nothrow) char[wanted];
  if (grown == nullptr) return complete_ = false;
  if (length_ != 0) std::memcpy(grown, data_, length_);
  delete[] data_;
  data_ = grown;
  capacity_ = wanted;
  return true;
}

void TextBuffer::append(std::string_view text) {
  if (text.empty() || !reserve(text.size())) return;
  std::memcpy(data_ + length_, text.data(), text.size());
  length_ += text.size();
}

void TextBuffer::print(const char* format, ...) {
  std::array<char, 512> line;
  std::va_list arguments;
  va_start(arguments, format);
  const std::size_t length = format_list(line, format, arguments);
  va_end(arguments);
  append({line.data(), length});
}

void TextBuffer::pad_from(std::size_t start, std::size_t width) {
  while (length_ < start + width) {
    const std::size_t before = length_;
    append(' ');
    if (length_ == before) return;
  }
}

}  // namespace plumbline::linux_abi
