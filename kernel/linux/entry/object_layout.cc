#include "linux/entry/object_layout.hh"

#include <elf.h>

#include <algorithm>
#include <cstring>

#include "core/units.hh"

namespace plumbline::linux_abi {
namespace {

template <typename T>
std::optional<T> get(std::span<const std::byte> bytes, std::uint64_t offset) {
  if (offset > bytes.size() || bytes.size() - offset < sizeof(T)) return {};
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

// Addresses and offsets beyond are nobody's; below, sums of two do not overflow.
constexpr std::uint64_t kLimit = std::uint64_t{1} << 47;

bool makes_sense(const Elf64_Phdr& header) {
  return header.p_offset < kLimit && header.p_vaddr < kLimit && header.p_filesz < kLimit &&
         header.p_offset % kPageSize == header.p_vaddr % kPageSize;
}

}  // namespace

std::uint64_t ObjectLayout::begin() const {
  std::uint64_t least = ~std::uint64_t{0};
  for (const Segment& segment : loaded()) least = std::min(least, segment.address);
  return align_down(least, kPageSize);
}

std::optional<std::uint64_t> ObjectLayout::code_offset(std::uint64_t address,
                                                       std::uint64_t length) const {
  for (const Segment& segment : loaded()) {
    if (segment.executable && address >= segment.address &&
        address - segment.address < segment.length &&
        segment.length - (address - segment.address) >= length)
      return segment.offset + (address - segment.address);
  }
  return {};
}

std::optional<std::uint64_t> ObjectLayout::page_address(std::uint64_t offset) const {
  for (const Segment& segment : loaded()) {
    if (!segment.executable) continue;
    const std::uint64_t first = align_down(segment.offset, kPageSize);
    if (offset >= first && offset < segment.offset + segment.length)
      return align_down(segment.address, kPageSize) + (offset - first);
  }
  return {};
}

std::optional<ObjectLayout> read_object_layout(std::span<const std::byte> first) {
  const auto header = get<Elf64_Ehdr>(first, 0);
  if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
      header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB ||
      header->e_machine != EM_X86_64 || header->e_phentsize != sizeof(Elf64_Phdr))
    return {};
  ObjectLayout layout;
  for (unsigned i = 0; i < header->e_phnum; ++i) {
    const auto program = get<Elf64_Phdr>(first, header->e_phoff + i * sizeof(Elf64_Phdr));
    if (!program) return {};
    if (program->p_type == PT_NOTE && layout.note_count < ObjectLayout::kMostNotes) {
      layout.notes[layout.note_count++] = {program->p_offset, program->p_filesz};
    }
    if (program->p_type != PT_LOAD) continue;
    if (!makes_sense(*program) || layout.segment_count == ObjectLayout::kMostSegments) return {};
    layout.segments[layout.segment_count++] = {program->p_offset, program->p_vaddr,
                                               program->p_filesz, (program->p_flags & PF_X) != 0};
  }
  if (layout.segment_count == 0) return {};
  return layout;
}

std::span<const std::byte> find_build_id(std::span<const std::byte> notes) {
  while (const auto note = get<Elf64_Nhdr>(notes, 0)) {
    // In 64 bits: the fields' sums may exceed 32.
    const std::uint64_t name = sizeof(Elf64_Nhdr);
    const std::uint64_t content = name + align_up(std::uint64_t{note->n_namesz}, 4);
    const std::uint64_t end = content + note->n_descsz;
    if (end > notes.size()) return {};
    if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == sizeof ELF_NOTE_GNU &&
        std::memcmp(notes.data() + name, ELF_NOTE_GNU, sizeof ELF_NOTE_GNU) == 0)
      return notes.subspan(content, note->n_descsz);
    const std::uint64_t next = align_up(end, 4);
    if (next > notes.size()) return {};
    notes = notes.subspan(next);
  }
  return {};
}

}  // namespace plumbline::linux_abi
