// Reads and writes of files with plain buffers, for hosted tests.
#pragma once

#include <string>
#include <string_view>

#include "fs/file.hh"
#include "fs/io_cursor.hh"

namespace plumbline {

inline Result<std::size_t> read_file(File& file, void* to, std::size_t length) {
  const IoSegment segment{reinterpret_cast<std::uint64_t>(to), length};
  IoCursor cursor({&segment, 1});
  return file.read(cursor, 0);
}

inline Result<std::size_t> write_file(File& file, const void* from, std::size_t length) {
  const IoSegment segment{reinterpret_cast<std::uint64_t>(from), length};
  IoCursor cursor({&segment, 1});
  std::uint64_t offset = 0;
  return file.write(cursor, offset);
}

inline Result<std::size_t> write_file(File& file, std::string_view text) {
  return write_file(file, text.data(), text.size());
}

// What a read of up to `length` bytes brings; on an error "error N".
inline std::string read_text(File& file, std::size_t length = 65536) {
  std::string text(length, '\0');
  const auto got = read_file(file, text.data(), length);
  if (!got) return "error " + std::to_string(static_cast<int>(got.error()));
  text.resize(*got);
  return text;
}

}  // namespace plumbline
