// What the rewriting of calls needs to know of an ELF object: where its file's bytes go, and its
// build-id.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace plumbline::linux_abi {

struct ObjectLayout {
  struct Segment {
    std::uint64_t offset, address, length;  // of the bytes that are in the file
    bool executable;
  };
  struct Range {
    std::uint64_t offset, length;
  };
  static constexpr std::size_t kMostSegments = 16, kMostNotes = 4;

  std::array<Segment, kMostSegments> segments{};
  std::size_t segment_count = 0;
  // Where in the file notes are.
  std::array<Range, kMostNotes> notes{};
  std::size_t note_count = 0;

  std::span<const Segment> loaded() const { return std::span(segments).first(segment_count); }
  // The lowest address, rounded down to a page.
  std::uint64_t begin() const;
  // The file's offset of `length` bytes at `address`; only in executable segments.
  std::optional<std::uint64_t> code_offset(std::uint64_t address, std::uint64_t length) const;
  // The address of a page of the file that an executable segment shows.
  std::optional<std::uint64_t> page_address(std::uint64_t offset) const;
};

// Reads the ELF header and the program headers, which must lie in `first`, the file's first bytes.
// Empty: not a 64-bit x86 object, or nothing that makes sense.
std::optional<ObjectLayout> read_object_layout(std::span<const std::byte> first);

// The build-id among `notes`, the content of a PT_NOTE segment; empty when there is none.
std::span<const std::byte> find_build_id(std::span<const std::byte> notes);

}  // namespace plumbline::linux_abi
