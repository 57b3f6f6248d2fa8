// brk: the heap that grows behind a program's data.
#include "core/units.hh"
#include "linux/call.hh"
#include "linux/memory/address_space_limit.hh"
#include "linux/process.hh"
#include "memory/address_space.hh"
#include "memory/application_memory.hh"
#include "sync/mutex.hh"

namespace plumbline::linux_abi {
namespace {

// A step of the heap up to this size gets its memory at once: who asks for so little is an
// allocator that is about to use it. A fault for each 64 KiB of it would cost 10 us on kvm_pvm.
// glibc's steps are 132 KiB (malloc(3), M_TOP_PAD).
constexpr std::uint64_t kSmallStep = 256 * kKiB;

// Orders the calls of a process's threads; the mapping is changed under it.
constinit Mutex lock;

// Never fails: what is returned is the break, changed or not (brk(2), "C library/kernel
// differences").
Result<std::uint64_t> call_brk(std::uint64_t wanted) {
  Process& process = current_process();
  const LockGuard guard(lock);
  if (wanted < process.break_begin || wanted >= kApplicationEnd) return process.break_end;
  const std::uint64_t old_end = align_up(process.break_end, kPageSize);
  const std::uint64_t new_end = align_up(wanted, kPageSize);
  if (new_end < old_end) {
    if (!address_space::unmap(new_end, old_end - new_end)) return process.break_end;
  } else if (new_end > old_end) {
    if (!check_address_space(new_end - old_end)) return process.break_end;
    MapRequest request;
    request.owner = process.memory_owner();
    request.hint = old_end;
    request.length = new_end - old_end;
    request.protection = kProtectRead | kProtectWrite;
    request.fixed_noreplace = true;
    request.populate = request.length <= kSmallStep;
    request.name = "[heap]";
    if (!address_space::map(request)) return process.break_end;
  }
  process.break_end = wanted;
  return wanted;
}
LINUX_CALL(12, brk, call_brk);

}  // namespace
}  // namespace plumbline::linux_abi
