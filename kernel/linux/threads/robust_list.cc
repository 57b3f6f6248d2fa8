#include "linux/threads/robust_list.hh"

#include "linux/call.hh"
#include "linux/process_table.hh"
#include "linux/task.hh"
#include "linux/threads/futex.hh"
#include "memory/application_memory.hh"

namespace plumbline::linux_abi {
namespace {

// struct robust_list_head (Linux, include/uapi/linux/futex.h).
struct RobustListHead {
  std::uint64_t first;
  std::int64_t futex_offset;
  std::uint64_t pending;  // being taken or released when the thread ended
};

// A list may be a ring that never ends: the program's memory is not trusted.
constexpr unsigned kMostEntries = 2048;

void release(const Task& task, std::uint64_t entry, std::int64_t offset, bool pending) {
  // The lowest bit of a link says that the futex has an owner that is inherited from.
  const bool owned_kind = (entry & 1) != 0;
  const std::uint64_t address = (entry & ~std::uint64_t{1}) + static_cast<std::uint64_t>(offset);
  const Result<FutexWord> word = futex_word(address, true);
  if (!word) return;
  if (pending && !owned_kind) {
    // The thread may have stored zero to release it and ended before it woke a waiter.
    const Result<std::uint32_t> value = load_application<std::uint32_t>(address);
    if (value && *value == 0) {
      futex_table().wake((*word).key, 1, FutexTable::kAnyBit);
      return;
    }
  }
  futex_table().owner_died(*word, task.id, owned_kind);
}

Status call_set_robust_list(std::uint64_t head, std::uint64_t length) {
  if (length != sizeof(RobustListHead)) return Errno::kEINVAL;
  current_task().robust_list = head;
  return {};
}

Status call_get_robust_list(int id, std::uint64_t head_address, std::uint64_t length_address) {
  std::uint64_t head = current_task().robust_list;
  if (id != 0) {
    const Ref<Task> task = find_task(static_cast<TaskId>(id));
    if (!task) return Errno::kESRCH;
    head = task->robust_list;
  }
  if (const Status status =
          store_application<std::uint64_t>(length_address, sizeof(RobustListHead));
      !status)
    return status;
  return store_application(head_address, head);
}

LINUX_CALL(273, set_robust_list, call_set_robust_list);
LINUX_CALL(274, get_robust_list, call_get_robust_list);

}  // namespace

void release_robust_futexes(Task& task) {
  if (task.robust_list != 0) {
    const Result<RobustListHead> head = load_application<RobustListHead>(task.robust_list);
    if (head) {
      std::uint64_t entry = (*head).first;
      for (unsigned i = 0; i < kMostEntries && (entry & ~std::uint64_t{1}) != task.robust_list;
           ++i) {
        // Read before the futex is released: its memory may then be used for something else.
        const Result<std::uint64_t> next =
            load_application<std::uint64_t>(entry & ~std::uint64_t{1});
        if (entry != (*head).pending) release(task, entry, (*head).futex_offset, false);
        if (!next) break;
        entry = *next;
      }
      if ((*head).pending != 0) release(task, (*head).pending, (*head).futex_offset, true);
    }
    task.robust_list = 0;
  }
  futex_table().owner_died_everywhere(task.id);
}

}  // namespace plumbline::linux_abi
