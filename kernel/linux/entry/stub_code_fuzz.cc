// A list and an object, both from who knows where: nothing outside of the buffers is touched, and
// what was replaced was a syscall.
#include <cstdint>
#include <cstdlib>

#include "linux/entry/test_object.hh"

using namespace plumbline;
using namespace plumbline::linux_abi;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // The first two bytes: how much of the rest is the list.
  if (size < 2) return 0;
  const auto bytes = std::as_bytes(std::span(data, size)).subspan(2);
  const std::size_t list_length = std::min<std::size_t>(data[0] | data[1] << 8, bytes.size());
  const std::vector<std::byte> list(bytes.begin(),
                                    bytes.begin() + static_cast<std::ptrdiff_t>(list_length));
  std::vector<std::byte> file(bytes.begin() + static_cast<std::ptrdiff_t>(list_length),
                              bytes.end());
  const auto layout = read_object_layout(file);
  if (layout) {
    for (std::size_t i = 0; i < layout->note_count; ++i) {
      const auto& note = layout->notes[i];
      if (note.offset < file.size() && note.length <= file.size() - note.offset)
        static_cast<void>(find_build_id(std::span(file).subspan(note.offset, note.length)));
    }
  }
  const auto sites = SiteList::parse(list);
  if (!sites || !layout) return 0;
  file.resize(align_up(file.size(), kPageSize));
  std::vector<std::byte> area(stub_area_size(*sites));
  TestPages pages(file);
  std::vector<StubPlace> places(sites->count());
  const StubCounts counts = write_stubs(*sites, *layout, CallEntries{}, area, pages, places);
  if (counts.replaced + counts.refused != sites->count()) std::abort();
  const auto made = std::span(places).first(counts.replaced);
  for (std::uint64_t offset = 0; offset < area.size(); ++offset) {
    const auto address = original_address(made, offset);
    // Whoever comes back within a window goes on where it was.
    if (const auto back = address ? stub_offset(made, *address) : std::nullopt; back) {
      if (*back > offset || offset - *back >= kStubCallLength) std::abort();
    }
  }
  return 0;
}
