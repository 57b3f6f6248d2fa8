// /proc/PID/maps, smaps and smaps_rollup: a program's mappings.
#include <array>

#include "linux/proc/process_files.hh"
#include "memory/address_space.hh"

namespace plumbline::linux_abi {
namespace {

constexpr std::uint64_t kHugePage = 2 * kMiB;

// The area's line; `name` is where its text may be put.
MapLine line_of(const AreaDescription& area, std::span<char> name) {
  MapLine line;
  line.begin = area.begin;
  line.end = area.end;
  line.offset = area.offset;
  line.inode = area.inode;
  // Device 0:1 stands for whatever file system it is: areas do not know theirs.
  line.device = area.inode != 0 ? 1 : 0;
  line.read = (area.protection & kProtectRead) != 0;
  line.write = (area.protection & kProtectWrite) != 0;
  line.execute = (area.protection & kProtectExecute) != 0;
  line.shared = area.shared;
  if (area.name != nullptr) {
    line.name = area.name;
  } else if (area.object != nullptr) {
    line.name = {name.data(), area.object->describe(name)};
  }
  return line;
}

MapUsage usage_of(const AreaDescription& area) {
  MapUsage usage;
  usage.size = area.end - area.begin;
  usage.resident = area.resident_pages * kPageSize;
  usage.anonymous = area.object == nullptr;
  // As many as fit: which pages are large is the page table's affair.
  if (usage.anonymous && usage.size >= kHugePage)
    usage.huge = usage.resident / kHugePage * kHugePage;
  return usage;
}

struct Listing {
  TextBuffer& text;
  bool usage = false;
  std::array<char, 4096> name;
};

bool print_area(void* context, const AreaDescription& area) {
  auto& listing = *static_cast<Listing*>(context);
  const MapLine line = line_of(area, listing.name);
  print_map(listing.text, line);
  if (listing.usage) print_usage(listing.text, line, usage_of(area));
  return true;
}

Status print_areas(const Subject& subject, TextBuffer& text, bool usage) {
  const AddressOwner owner = subject.process->memory_owner();
  // A process that has ended has none, and owner 0 would mean everybody's.
  if (owner == 0) return {};
  auto* listing = new (std::nothrow) Listing{text, usage, {}};
  if (listing == nullptr) return Errno::kENOMEM;
  address_space::for_each_area(owner, print_area, listing);
  delete listing;
  return {};
}

struct Sum {
  std::uint64_t begin = 0, end = 0;
  MapUsage usage, objects;
};

bool add_area(void* context, const AreaDescription& area) {
  auto& sum = *static_cast<Sum*>(context);
  if (sum.begin == 0) sum.begin = area.begin;
  sum.end = area.end;
  const MapUsage usage = usage_of(area);
  MapUsage& into = usage.anonymous ? sum.usage : sum.objects;
  into.size += usage.size;
  into.resident += usage.resident;
  into.huge += usage.huge;
  return true;
}

}  // namespace

Status print_maps(const Subject& subject, TextBuffer& text) {
  return print_areas(subject, text, false);
}

Status print_smaps(const Subject& subject, TextBuffer& text) {
  return print_areas(subject, text, true);
}

Status print_smaps_rollup(const Subject& subject, TextBuffer& text) {
  const AddressOwner owner = subject.process->memory_owner();
  if (owner == 0) return {};
  Sum sum;
  address_space::for_each_area(owner, add_area, &sum);
  MapLine line;
  line.begin = sum.begin;
  line.end = sum.end;
  line.name = "[rollup]";
  print_map(text, line);
  struct Field {
    const char* name;
    std::uint64_t bytes;
  };
  const std::uint64_t all = sum.usage.resident + sum.objects.resident;
  const std::array<Field, 9> fields = {{{"Rss:", all},
                                        {"Pss:", all},
                                        {"Shared_Clean:", sum.objects.resident},
                                        {"Shared_Dirty:", 0},
                                        {"Private_Clean:", 0},
                                        {"Private_Dirty:", sum.usage.resident},
                                        {"Referenced:", all},
                                        {"Anonymous:", sum.usage.resident},
                                        {"AnonHugePages:", sum.usage.huge}}};
  for (const Field& field : fields)
    text.print("%-16s%8lu kB\n", field.name, static_cast<unsigned long>(field.bytes / kKiB));
  return {};
}

}  // namespace plumbline::linux_abi
