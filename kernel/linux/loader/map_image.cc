#include "linux/loader/map_image.hh"

#include "core/units.hh"
#include "linux/memory/mapping_hook.hh"
#include "memory/application_memory.hh"

namespace plumbline::linux_abi {
namespace {

// Addresses for the whole image, so that nothing else comes between its segments.
Result<std::uint64_t> reserve(File& file, const ElfImage& image, AddressOwner owner,
                              std::uint64_t hint) {
  MapRequest request{.owner = owner, .length = image.end - image.begin, .reserve_only = true};
  if (!image.position_independent) {
    request.hint = image.begin;
    request.fixed_noreplace = true;
    return address_space::map(request);
  }
  request.hint = hint;
  if (mapping_hook != nullptr) request.room_below = mapping_hook->room_below(file);
  if (image.alignment == kPageSize) return address_space::map(request);
  // Larger alignments: more than needed, and what is not is given back.
  request.length += image.alignment;
  request.room_below = align_up(request.room_below, image.alignment);
  const Result<std::uint64_t> base = address_space::map(request);
  if (!base) return base;
  // The image's first address keeps its distance from a multiple of the alignment.
  const std::uint64_t phase = image.begin % image.alignment;
  std::uint64_t at = align_down(*base, image.alignment) + phase;
  if (at < *base) at += image.alignment;
  const std::uint64_t end = at + (image.end - image.begin), all = *base + request.length;
  if (at != *base) static_cast<void>(address_space::unmap(*base, at - *base));
  if (end != all) static_cast<void>(address_space::unmap(end, all - end));
  return at;
}

Status map_segment(File& file, const Ref<MemoryObject>& object, const ElfSegment& segment,
                   std::uint64_t bias, AddressOwner owner) {
  const std::uint64_t begin = align_down(segment.address + bias, kPageSize);
  const std::uint64_t file_end = segment.address + bias + segment.file_size;
  const std::uint64_t end = align_up(segment.address + bias + segment.memory_size, kPageSize);
  const std::uint64_t shown_end = segment.file_size == 0 ? begin : align_up(file_end, kPageSize);
  if (shown_end != begin) {
    MapRequest request{.owner = owner,
                       .hint = begin,
                       .length = shown_end - begin,
                       .protection = segment.protection,
                       .fixed = true,
                       .image = true,
                       .object = object,
                       .offset = align_down(segment.offset, kPageSize)};
    if ((segment.protection & kProtectExecute) != 0 && mapping_hook != nullptr) {
      request.object =
          mapping_hook->overlay(file, object, begin, request.length, request.offset, owner);
    }
    if (const auto mapped = address_space::map(request); !mapped) return mapped.error();
    // What follows the data in the last page is the file's next bytes, where the program expects
    // zeros: ld.so's allocator takes them for its own.
    if ((segment.protection & kProtectWrite) != 0 && segment.memory_size > segment.file_size &&
        file_end != shown_end) {
      const std::uint64_t length = shown_end - file_end;
      if (clear_application(file_end, length) != length) return Errno::kENOMEM;
    }
  }
  if (end == shown_end) return {};
  const MapRequest zeros{.owner = owner,
                         .hint = shown_end,
                         .length = end - shown_end,
                         .protection = segment.protection,
                         .fixed = true};
  if (const auto mapped = address_space::map(zeros); !mapped) return mapped.error();
  return {};
}

}  // namespace

Result<std::uint64_t> map_image(File& file, const ElfImage& image, AddressOwner owner,
                                std::uint64_t hint) {
  Result<Ref<MemoryObject>> object = file.memory_object();
  if (!object) return object.error();
  const Result<std::uint64_t> base = reserve(file, image, owner, hint);
  if (!base) return base.error();
  const std::uint64_t bias = *base - image.begin;
  for (const ElfSegment& segment : image.all_segments()) {
    if (const Status status = map_segment(file, *object, segment, bias, owner); !status)
      return status.error();
  }
  return bias;
}

}  // namespace plumbline::linux_abi
