// mmap, munmap, mprotect, mremap.
#include <new>

#include "core/units.hh"
#include "linux/call.hh"
#include "linux/memory/address_space_limit.hh"
#include "linux/memory/mapping_hook.hh"
#include "linux/process.hh"
#include "memory/address_space.hh"
#include "memory/anonymous_object.hh"
#include "memory/application_memory.hh"

namespace plumbline::linux_abi {
namespace {

// Linux, include/uapi/asm-generic/mman-common.h, mman.h and arch/x86/include/uapi/asm/mman.h.
constexpr std::uint64_t kShared = 1, kPrivate = 2, kSharedValidate = 3, kTypeMask = 0xf,
                        kFixed = 0x10, kAnonymous = 0x20, k32Bit = 0x40, kGrowsDown = 0x100,
                        kDenyWrite = 0x800, kExecutable = 0x1000, kLocked = 0x2000,
                        kNoReserve = 0x4000, kPopulate = 0x8000, kNonblock = 0x10000,
                        kStack = 0x20000, kHugeTlb = 0x40000, kFixedNoReplace = 0x100000;
// What MAP_SHARED_VALIDATE accepts; other types ignore what they do not know.
constexpr std::uint64_t kKnownFlags = kTypeMask | kFixed | kAnonymous | k32Bit | kGrowsDown |
                                      kDenyWrite | kExecutable | kLocked | kNoReserve | kPopulate |
                                      kNonblock | kStack | kHugeTlb | kFixedNoReplace;
constexpr std::uint64_t kProtections = kProtectRead | kProtectWrite | kProtectExecute;
// PROT_GROWSDOWN and PROT_GROWSUP.
constexpr std::uint64_t kGrowProtections = 0x03000000;

// What a file allows, and what of it is mapped.
Status use_file(File& file, MapRequest& request) {
  if (!file.readable()) return Errno::kEACCES;
  if (request.shared && !file.writable()) {
    if ((request.protection & kProtectWrite) != 0) return Errno::kEACCES;
    request.maximum_protection &= static_cast<std::uint8_t>(~kProtectWrite);
  }
  Result<Ref<MemoryObject>> object = file.memory_object();
  if (!object) return object.error();
  request.object = *object;
  if (mapping_hook == nullptr || request.shared) return {};
  if (!request.fixed && !request.fixed_noreplace) {
    request.room_below = mapping_hook->room_below(file);
  } else if ((request.protection & kProtectExecute) != 0) {
    request.object = mapping_hook->overlay(file, request.object, request.hint, request.length,
                                           request.offset, request.owner);
  }
  return {};
}

Result<std::uint64_t> call_mmap(std::uint64_t address, std::uint64_t length,
                                std::uint64_t protection, std::uint64_t flags, int descriptor,
                                std::uint64_t offset) {
  if (offset % kPageSize != 0) return Errno::kEINVAL;
  Ref<File> file;
  if ((flags & kAnonymous) == 0) {
    Result<Ref<File>> found = current_process().descriptors->get(descriptor);
    if (!found) return found.error();
    file = *found;
  }
  const std::uint64_t type = flags & kTypeMask;
  if (length == 0) return Errno::kEINVAL;
  const std::uint64_t size = align_up(length, kPageSize);
  if (size < length || size > kApplicationEnd) return Errno::kENOMEM;
  if (offset + size < offset) return Errno::kEOVERFLOW;
  if (type != kShared && type != kPrivate && type != kSharedValidate) return Errno::kEINVAL;
  if (type == kSharedValidate && (flags & ~kKnownFlags) != 0) return Errno::kEOPNOTSUPP;
  // There is no reserve of huge pages (vm.nr_hugepages = 0); large mappings get them anyway.
  if ((flags & kHugeTlb) != 0) return Errno::kENOMEM;

  MapRequest request;
  request.owner = current_process().memory_owner();
  request.hint = address;
  request.length = size;
  request.protection = static_cast<std::uint8_t>(protection & kProtections);
  request.fixed_noreplace = (flags & kFixedNoReplace) != 0;
  request.fixed = (flags & kFixed) != 0 && !request.fixed_noreplace;
  request.shared = type != kPrivate;
  request.reserve_only = (flags & kNoReserve) != 0;
  request.populate = (flags & kLocked) != 0 || (flags & (kPopulate | kNonblock)) == kPopulate;
  request.grows_down = (flags & kGrowsDown) != 0;
  request.image = (flags & kDenyWrite) != 0;
  request.small_pages = (flags & kStack) != 0;
  // "The first 2 gigabytes" (mmap(2)); Linux keeps the first of them free for programs there.
  request.below = (flags & k32Bit) != 0 ? 2 * kGiB : 0;
  if (file) {
    request.offset = offset;
    if (const Status status = use_file(*file, request); !status) return status.error();
  } else if (request.shared) {
    auto* object = new (std::nothrow) AnonymousObject(size);
    if (object == nullptr) return Errno::kENOMEM;
    request.object = Ref<MemoryObject>(Ref<AnonymousObject>::adopt(object));
  }
  const std::uint64_t replaced_end =
      request.fixed || request.fixed_noreplace ? address + size : address;
  if (const Status status = check_address_space(size, address, replaced_end); !status)
    return status.error();
  return address_space::map(request);
}
LINUX_CALL(9, mmap, call_mmap);

Status call_munmap(std::uint64_t address, std::uint64_t length) {
  return address_space::unmap(address, length);
}
LINUX_CALL(11, munmap, call_munmap);

Status call_mprotect(std::uint64_t address, std::uint64_t length, std::uint64_t protection) {
  if ((protection & kGrowProtections) == kGrowProtections ||
      (protection & ~(kProtections | kGrowProtections)) != 0) {
    return Errno::kEINVAL;
  }
  return address_space::protect(address, length,
                                static_cast<std::uint8_t>(protection & kProtections));
}
LINUX_CALL(10, mprotect, call_mprotect);

Result<std::uint64_t> call_mremap(std::uint64_t address, std::uint64_t old_length,
                                  std::uint64_t new_length, std::uint64_t flags,
                                  std::uint64_t new_address) {
  if (flags >> 32 != 0) return Errno::kEINVAL;
  constexpr std::uint64_t kDontUnmap = 4;
  // The old place stays mapped as well.
  const std::uint64_t kept = (flags & kDontUnmap) != 0 ? 0 : old_length;
  if (new_length > kept) {
    const std::uint64_t added = align_up(new_length, kPageSize) - align_up(kept, kPageSize);
    if (const Status status = check_address_space(added); !status) return status.error();
  }
  return address_space::remap(current_process().memory_owner(), address, old_length, new_length,
                              static_cast<unsigned>(flags), new_address);
}
LINUX_CALL(25, mremap, call_mremap);

// Memory protection keys: as on a processor without them.
Status call_pkey_mprotect(std::uint64_t address, std::uint64_t length, std::uint64_t protection,
                          int key) {
  if (key != -1) return Errno::kEINVAL;
  return call_mprotect(address, length, protection);
}
LINUX_CALL(329, pkey_mprotect, call_pkey_mprotect);

Status call_pkey_alloc(std::uint64_t, std::uint64_t) { return Errno::kEINVAL; }
LINUX_CALL(330, pkey_alloc, call_pkey_alloc);

Status call_pkey_free(int) { return Errno::kEINVAL; }
LINUX_CALL(331, pkey_free, call_pkey_free);

}  // namespace
}  // namespace plumbline::linux_abi
