// Robust futexes: what a thread held when it ended is handed on (futex(2), FUTEX_OWNER_DIED;
// get_robust_list(2)).
#pragma once

namespace plumbline::linux_abi {

class Task;

// Walks the running task's list, marks each futex as one whose owner died, and wakes a waiter.
void release_robust_futexes(Task& task);

}  // namespace plumbline::linux_abi
