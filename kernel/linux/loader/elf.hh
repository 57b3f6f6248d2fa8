// ELF files as programs and interpreters: what of them execve needs (System V ABI, chapters 4 and
// 5; AMD64 supplement). Portable; the file's bytes are not trusted.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "core/errno.hh"

namespace plumbline::linux_abi {

// Where a parser reads a file from.
class ByteSource {
 public:
  virtual std::uint64_t size() const = 0;
  // Fills `to` from `offset` on; false when the file is shorter or cannot be read.
  virtual bool read(std::uint64_t offset, std::span<std::byte> to) = 0;

 protected:
  ~ByteSource() = default;
};

// A part of the file that belongs at an address; what lies beyond `file_size` is zeros.
struct ElfSegment {
  std::uint64_t address, offset, file_size, memory_size;
  std::uint8_t protection;  // Protection bits
};

struct ElfImage {
  static constexpr std::size_t kMostSegments = 64;

  // May be moved as a whole by any number of pages (ET_DYN).
  bool position_independent = false;
  std::uint64_t entry = 0;
  // In memory; 0 when no segment contains them.
  std::uint64_t program_headers = 0;
  unsigned program_header_count = 0;
  // Whole pages, from the first segment to the end of the last.
  std::uint64_t begin = 0, end = 0;
  // The largest that a segment asks for; a page or more.
  std::uint64_t alignment = 4096;
  std::array<ElfSegment, kMostSegments> segments;
  std::size_t segment_count = 0;
  // The path of the interpreter in the file, with its final zero; no length: none.
  std::uint64_t interpreter_offset = 0, interpreter_length = 0;

  std::span<const ElfSegment> all_segments() const { return {segments.data(), segment_count}; }
};

// Why a file cannot be run: an error number for the program, a reason for the log.
struct LoadError {
  Errno error = Errno::kNone;
  const char* reason = nullptr;
  explicit operator bool() const { return error != Errno::kNone; }
};

inline constexpr std::size_t kElfHeaderEntrySize = 56;

// Reads and checks the headers. Every segment of an accepted image lies in the file and, where it
// is not position independent, among the programs' addresses; segments are in order of address.
LoadError parse_elf(ByteSource& source, ElfImage& image);

}  // namespace plumbline::linux_abi
