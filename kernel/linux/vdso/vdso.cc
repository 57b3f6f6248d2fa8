#include "linux/vdso/vdso.hh"

#include <cstring>
#include <new>

#include "core/clock.hh"
#include "core/units.hh"
#include "linux/vdso/time_page.hh"
#include "memory/anonymous_object.hh"
#include "sync/lock_guard.hh"
#include "sync/mutex.hh"

// vdso_image.S
extern "C" const char vdso_image_begin[], vdso_image_end[];

namespace plumbline::linux_abi {
namespace {

constinit Mutex lock;
constinit Vdso made;

Status fill(AnonymousObject& object, std::uint64_t offset, const char* from, std::size_t length) {
  const LockGuard guard(object.content_lock);
  for (std::size_t done = 0; done < length; done += kPageSize) {
    void* page = object.find_or_create((offset + done) / kPageSize);
    if (page == nullptr) return Errno::kENOMEM;
    const std::size_t rest = length - done;
    std::memcpy(page, from + done, rest < kPageSize ? rest : kPageSize);
  }
  return {};
}

}  // namespace

Result<Vdso> vdso() {
  const LockGuard guard(lock);
  if (made.object) return made;
  const auto image_length = static_cast<std::size_t>(vdso_image_end - vdso_image_begin);
  const std::uint64_t length = Vdso::kImageOffset + align_up(image_length, kPageSize);
  auto* object = new (std::nothrow) AnonymousObject(length);
  if (object == nullptr) return Errno::kENOMEM;
  const Ref<AnonymousObject> owner = Ref<AnonymousObject>::adopt(object);
  const TimePage times{clock_detail::tsc_at_boot, clock_detail::ns_per_tsc_fraction,
                       wall_clock_at_boot().count};
  if (!fill(*object, 0, reinterpret_cast<const char*>(&times), sizeof times) ||
      !fill(*object, Vdso::kImageOffset, vdso_image_begin, image_length))
    return Errno::kENOMEM;
  made = {Ref<MemoryObject>(owner), length};
  return made;
}

}  // namespace plumbline::linux_abi
