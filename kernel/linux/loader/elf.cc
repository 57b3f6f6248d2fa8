#include "linux/loader/elf.hh"

#include <algorithm>
#include <cstring>

#include "core/units.hh"
#include "memory/address_space.hh"
#include "memory/application_memory.hh"

namespace plumbline::linux_abi {
namespace {

struct Header {
  std::array<std::uint8_t, 16> identification;
  std::uint16_t type, machine;
  std::uint32_t version;
  std::uint64_t entry, program_headers, section_headers;
  std::uint32_t flags;
  std::uint16_t header_size, program_header_size, program_header_count;
  std::uint16_t section_header_size, section_header_count, section_names;
};
static_assert(sizeof(Header) == 64);

struct ProgramHeader {
  std::uint32_t type, flags;
  std::uint64_t offset, address, physical_address, file_size, memory_size, alignment;
};
static_assert(sizeof(ProgramHeader) == kElfHeaderEntrySize);

constexpr std::uint16_t kTypeExecutable = 2, kTypeDynamic = 3, kMachineX86_64 = 62;
constexpr std::uint32_t kLoad = 1, kInterpreter = 3, kHeaders = 6;
constexpr std::uint32_t kFlagExecute = 1, kFlagWrite = 2, kFlagRead = 4;
// Linux takes program headers of up to 64 KiB.
constexpr unsigned kMostHeaders = 65536 / kElfHeaderEntrySize;
constexpr std::uint64_t kLongestInterpreter = 4096;

constexpr LoadError not_executable(const char* reason) { return {Errno::kENOEXEC, reason}; }
constexpr LoadError malformed(const char* reason) { return {Errno::kEINVAL, reason}; }

LoadError check_header(const Header& header) {
  static constexpr std::array<std::uint8_t, 4> kMagic = {0x7f, 'E', 'L', 'F'};
  if (!std::equal(kMagic.begin(), kMagic.end(), header.identification.begin()))
    return not_executable("it is neither an ELF file nor a script");
  if (header.identification[4] != 2) return not_executable("it is a 32-bit ELF file");
  if (header.identification[5] != 1) return not_executable("its byte order is big-endian");
  if (header.machine != kMachineX86_64) return not_executable("it is for another machine");
  if (header.type != kTypeExecutable && header.type != kTypeDynamic)
    return not_executable("it is an ELF file, but no program");
  if (header.program_header_size != kElfHeaderEntrySize)
    return not_executable("its program headers have a wrong size");
  if (header.program_header_count == 0) return not_executable("it has no program headers");
  if (header.program_header_count > kMostHeaders)
    return not_executable("it has too many program headers");
  return {};
}

LoadError add_segment(const ProgramHeader& header, std::uint64_t file_size, ElfImage& image) {
  if (header.memory_size == 0) return {};
  if (header.file_size > header.memory_size)
    return malformed("a segment is larger in the file than in memory");
  if (header.offset > file_size || header.file_size > file_size - header.offset)
    return not_executable("it is truncated: a segment lies beyond its end");
  if (header.memory_size > kApplicationEnd || header.address > kApplicationEnd - header.memory_size)
    return malformed("a segment's addresses are not those of programs");
  if (!image.position_independent && header.address < kApplicationBegin)
    return malformed("a segment's addresses are not those of programs");
  if (header.address % kPageSize != header.offset % kPageSize && header.file_size != 0)
    return malformed("a segment's address and file offset differ within a page");
  if ((header.alignment & (header.alignment - 1)) != 0)
    return malformed("a segment's alignment is not a power of two");
  if (image.segment_count == ElfImage::kMostSegments)
    return not_executable("it has too many segments");
  if (image.segment_count != 0) {
    const ElfSegment& previous = image.segments[image.segment_count - 1];
    if (header.address < previous.address + previous.memory_size)
      return malformed("its segments overlap or are out of order");
  }
  // More than that cannot be a page size of this machine.
  if (header.alignment > kGiB) return malformed("a segment's alignment is too large");
  image.alignment = std::max(image.alignment, header.alignment);
  std::uint8_t protection = 0;
  if ((header.flags & kFlagRead) != 0) protection |= kProtectRead;
  if ((header.flags & kFlagWrite) != 0) protection |= kProtectWrite;
  if ((header.flags & kFlagExecute) != 0) protection |= kProtectExecute;
  image.segments[image.segment_count++] = {header.address, header.offset, header.file_size,
                                           header.memory_size, protection};
  return {};
}

}  // namespace

LoadError parse_elf(ByteSource& source, ElfImage& image) {
  image = {};
  Header header;
  if (!source.read(0, std::as_writable_bytes(std::span(&header, 1))))
    return not_executable("it is shorter than an ELF header");
  if (const LoadError error = check_header(header)) return error;
  image.position_independent = header.type == kTypeDynamic;
  image.entry = header.entry;
  image.program_header_count = header.program_header_count;

  std::uint64_t headers_address = 0;
  for (unsigned i = 0; i < header.program_header_count; ++i) {
    ProgramHeader entry;
    const std::uint64_t offset = header.program_headers + std::uint64_t{i} * sizeof entry;
    if (offset < header.program_headers ||
        !source.read(offset, std::as_writable_bytes(std::span(&entry, 1))))
      return not_executable("it is truncated: its program headers lie beyond its end");
    if (entry.type == kLoad) {
      if (const LoadError error = add_segment(entry, source.size(), image)) return error;
    } else if (entry.type == kInterpreter && image.interpreter_length == 0) {
      if (entry.file_size < 2 || entry.file_size > kLongestInterpreter)
        return not_executable("the path of its interpreter is empty or too long");
      std::byte last;
      if (entry.offset > source.size() || entry.file_size > source.size() - entry.offset ||
          !source.read(entry.offset + entry.file_size - 1, std::span(&last, 1)))
        return not_executable("it is truncated: its interpreter's path lies beyond its end");
      if (last != std::byte{0})
        return not_executable("the path of its interpreter does not end with a zero");
      image.interpreter_offset = entry.offset;
      image.interpreter_length = entry.file_size;
    } else if (entry.type == kHeaders) {
      headers_address = entry.address;
    }
  }
  if (image.segment_count == 0) return not_executable("it has nothing to load");

  const ElfSegment& last = image.segments[image.segment_count - 1];
  image.begin = align_down(image.segments[0].address, kPageSize);
  image.end = align_up(last.address + last.memory_size, kPageSize);
  // Where the headers are in memory: in the segment that shows their place in the file, else where
  // they say themselves.
  image.program_headers = headers_address;
  for (const ElfSegment& segment : image.all_segments()) {
    const std::uint64_t offset = header.program_headers - segment.offset;
    if (header.program_headers >= segment.offset && offset < segment.file_size) {
      image.program_headers = segment.address + offset;
      break;
    }
  }
  if (image.entry < image.begin || image.entry >= image.end)
    return malformed("its entry point lies outside of its segments");
  return {};
}

}  // namespace plumbline::linux_abi
