// Files with a list of call sites are mapped with their calls replaced (boot option linux.syscall).
#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <new>
#include <string_view>

#include "core/boot_options.hh"
#include "core/init_calls.hh"
#include "core/log.hh"
#include "core/units.hh"
#include "fs/file.hh"
#include "fs/open.hh"
#include "linux/entry/object_layout.hh"
#include "linux/entry/site_list.hh"
#include "linux/entry/stub_addresses.hh"
#include "linux/entry/stub_code.hh"
#include "linux/entry/stubbed_object.hh"
#include "linux/memory/mapping_hook.hh"
#include "memory/address.hh"
#include "memory/address_space.hh"
#include "memory/anonymous_object.hh"
#include "memory/application_memory.hh"
#include "memory/heap.hh"
#include "memory/page_store.hh"
#include "sync/lock_guard.hh"
#include "sync/mutex.hh"

namespace plumbline::linux_abi {
namespace {

enum Way : std::size_t { kCall, kTrap };
constexpr const char* kWays[] = {"call", "trap"};
BOOT_OPTION(Choice, way, "linux.syscall", kCall, kWays,
            "how programs' system calls arrive: replaced by jumps where the image says where they "
            "are, or all by trap");

constexpr std::uint64_t kMostNoteLength = 4096, kMostListLength = kMiB;

// A file's bytes in kernel memory, from the heap.
class Bytes {
 public:
  explicit Bytes(std::size_t size)
      : data_(static_cast<std::byte*>(size != 0 ? heap_allocate(size) : nullptr)),
        size_(data_ != nullptr ? size : 0) {}
  ~Bytes() { heap_free(data_); }
  Bytes(const Bytes&) = delete;
  Bytes& operator=(const Bytes&) = delete;
  std::span<std::byte> span() const { return {data_, size_}; }

 private:
  std::byte* data_;
  std::size_t size_;
};

// Copies from an object, as far as it goes.
bool read_object(MemoryObject& object, std::uint64_t offset, std::span<std::byte> to) {
  while (!to.empty()) {
    const Result<PhysicalAddress> page = object.page(offset / kPageSize, false);
    if (!page) return false;
    const std::uint64_t begin = offset % kPageSize;
    const std::size_t length = std::min<std::size_t>(to.size(), kPageSize - begin);
    std::memcpy(to.data(), to_virtual(*page).as<std::byte>() + begin, length);
    to = to.subspan(length);
    offset += length;
  }
  return true;
}

// Length 0: none.
BuildId read_build_id(MemoryObject& object, const ObjectLayout& layout) {
  BuildId id;
  for (const auto& note : std::span(layout.notes).first(layout.note_count)) {
    if (note.length > kMostNoteLength) continue;
    const Bytes bytes(note.length);
    if (bytes.span().empty() || !read_object(object, note.offset, bytes.span())) continue;
    const auto found = find_build_id(bytes.span());
    if (found.empty() || found.size() > kMostIdLength) continue;
    std::memcpy(id.bytes.data(), found.data(), found.size());
    id.length = found.size();
    break;
  }
  return id;
}

std::size_t list_path(const BuildId& id, std::span<char> path) {
  constexpr std::string_view kFolder = "/.plumbline/sites/";
  constexpr const char* kDigits = "0123456789abcdef";
  std::memcpy(path.data(), kFolder.data(), kFolder.size());
  std::size_t length = kFolder.size();
  for (std::size_t i = 0; i < id.length; ++i) {
    const auto value = static_cast<unsigned>(id.bytes[i]);
    path[length++] = kDigits[value >> 4];
    path[length++] = kDigits[value & 15];
  }
  return length;
}

// All that were made. They stay: programs start again and again with the same libraries. Made with
// the lock; looked at without, so the head is released when all of what it points to is there.
constinit Mutex lock;
constinit std::atomic<StubbedObject*> all = nullptr;

// Without a list, and when memory is short: null.
StubbedObject* make(const Ref<MemoryObject>& object, const ObjectLayout& layout,
                    const BuildId& id) {
  char path[128];
  const std::size_t length = list_path(id, path);
  const auto file = open_path({path, length});
  if (!file) return nullptr;
  const auto list_length = (*file)->end();
  if (!list_length || *list_length > kMostListLength) return nullptr;
  const Bytes bytes(*list_length);
  if (!read_exactly(**file, bytes.span().data(), bytes.span().size(), 0)) return nullptr;
  const auto sites = SiteList::parse(bytes.span());
  if (!sites) {
    log_warning("%.*s is no list of call sites; it is ignored", static_cast<int>(length), path);
    return nullptr;
  }
  if (sites->count() == 0) return nullptr;

  auto made = Ref<StubbedObject>::adopt(new (std::nothrow) StubbedObject(object, layout, id));
  const std::uint64_t area_length = stub_area_size(*sites);
  auto stubs = Ref<AnonymousObject>::adopt(new (std::nothrow) AnonymousObject(area_length));
  const Bytes area(area_length);
  auto* places = static_cast<StubPlace*>(heap_allocate(sites->count() * sizeof(StubPlace)));
  if (made && places != nullptr) made->places = std::span(places, sites->count());
  if (!made || !stubs || area.span().empty() || places == nullptr) {
    if (!made) heap_free(places);
    return nullptr;
  }
  std::memset(area.span().data(), 0, area_length);
  const StubCounts counts = write_stubs(*sites, layout, call_entries(), area.span(), *made,
                                        std::span(places, sites->count()));
  made->places = std::span(places, counts.replaced);
  if (counts.refused != 0) {
    log_warning("%.*s: %u of %zu call sites are not there", static_cast<int>(length), path,
                counts.refused, sites->count());
  }
  {
    const LockGuard guard(stubs->content_lock);
    for (std::uint64_t i = 0; i < area_length / kPageSize; ++i) {
      void* page = stubs->find_or_create(i);
      if (page == nullptr) return nullptr;
      std::memcpy(page, area.span().data() + i * kPageSize, kPageSize);
    }
  }
  made->stubs = stubs;
  made->stubs_length = area_length;
  return made.leak();
}

// What stands for `object`; null: it is no ELF object, or has no list.
StubbedObject* find(const Ref<MemoryObject>& object) {
  std::array<std::byte, kPageSize / 2> first;
  if (!read_object(*object, 0, first)) return nullptr;
  const auto layout = read_object_layout(first);
  if (!layout) return nullptr;
  const BuildId id = read_build_id(*object, *layout);
  if (id.length == 0) return nullptr;
  const LockGuard guard(lock);
  for (StubbedObject* known = all.load(std::memory_order_relaxed); known != nullptr;
       known = known->next) {
    // The file may have been written anew since.
    if (known->is_of(*object)) return known->id == id ? known : nullptr;
  }
  StubbedObject* made = make(object, *layout, id);
  if (made == nullptr) return nullptr;
  made->next = all.load(std::memory_order_relaxed);
  all.store(made, std::memory_order_release);
  // Its pages beyond the changed ones are the file's.
  object->overlay = made;
  return made;
}

std::uint64_t room_below(File& file) {
  const auto object = file.memory_object();
  if (!object) return 0;
  const StubbedObject* stubbed = find(*object);
  return stubbed != nullptr ? stubbed->stubs_length : 0;
}

// The stubs are there already: another mapping of the same file's code came first.
bool are_mapped(const StubbedObject& stubbed, std::uint64_t address) {
  const auto there = address_space::area_at(address);
  return there && there->begin == address && there->object == stubbed.stubs.get();
}

bool map_stubs(const StubbedObject& stubbed, std::uint64_t address, AddressOwner owner) {
  MapRequest request;
  request.owner = owner;
  request.hint = address;
  request.length = stubbed.stubs_length;
  request.protection = kProtectRead | kProtectExecute;
  request.fixed_noreplace = true;
  request.object = stubbed.stubs;
  request.name = "[stubs]";
  const auto mapped = address_space::map(request);
  return mapped || (mapped.error() == Errno::kEEXIST && are_mapped(stubbed, address));
}

Ref<MemoryObject> overlay(File&, const Ref<MemoryObject>& object, std::uint64_t address,
                          std::uint64_t, std::uint64_t offset, AddressOwner owner) {
  StubbedObject* stubbed = find(object);
  if (stubbed == nullptr) return object;
  const auto own = stubbed->layout.page_address(offset);
  if (!own) return object;
  // The distance between the object's own addresses and those where it is. Below the object its
  // stubs follow, if there is room.
  const std::uint64_t stubs = address - *own + stubbed->layout.begin() - stubbed->stubs_length;
  if (stubs < kApplicationBegin || stubs >= address || !map_stubs(*stubbed, stubs, owner))
    return object;
  return Ref<MemoryObject>::share(stubbed);
}

// The object whose code or stubs lie where `area` is; null: none.
const StubbedObject* stubbed_at(const address_space::AreaPlace& area) {
  // Acquires what was released when it was put into the list.
  const StubbedObject* known = all.load(std::memory_order_acquire);
  while (known != nullptr && area.object != known && area.object != known->stubs.get())
    known = known->next;
  return known;
}

constexpr MappingHook kHook{room_below, overlay};

void replace_calls() {
  if (way.get() == kCall) mapping_hook = &kHook;
}
INIT_CALL(InitLevel::kService, replace_calls);

}  // namespace

std::uint64_t without_stub(std::uint64_t address) {
  if (all.load(std::memory_order_relaxed) == nullptr) return address;
  const auto area = address_space::area_at(address);
  const StubbedObject* stubbed = area ? stubbed_at(*area) : nullptr;
  if (stubbed == nullptr || area->object != stubbed->stubs.get()) return address;
  const std::uint64_t stubs = area->begin - area->offset;
  const auto original = original_address(stubbed->places, address - stubs);
  if (!original) return address;
  return *original - stubbed->layout.begin() + stubs + stubbed->stubs_length;
}

std::uint64_t with_stub(std::uint64_t address) {
  if (all.load(std::memory_order_relaxed) == nullptr) return address;
  const auto area = address_space::area_at(address);
  const StubbedObject* stubbed = area ? stubbed_at(*area) : nullptr;
  if (stubbed == nullptr || area->object != stubbed) return address;
  const auto page = stubbed->layout.page_address(area->offset);
  if (!page) return address;
  const std::uint64_t own = *page + (address - area->begin);
  const auto offset = stub_offset(stubbed->places, own);
  if (!offset) return address;
  return address - own + stubbed->layout.begin() - stubbed->stubs_length + *offset;
}

}  // namespace plumbline::linux_abi
