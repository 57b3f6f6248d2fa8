// Futexes of programs.
#pragma once

#include <cstdint>

#include "core/result.hh"
#include "linux/threads/futex_table.hh"

namespace plumbline::linux_abi {

FutexTable& futex_table();

// What identifies the word at `address` (range and alignment checked) to other waiters: its
// address, or its place in memory when `shared` and the memory is.
Result<FutexWord> futex_word(std::uint64_t address, bool shared);

// Wakes waiters of a word that other processes may share: FUTEX_WAKE without FUTEX_PRIVATE_FLAG.
Result<unsigned> wake_futex(std::uint64_t address, unsigned count);

}  // namespace plumbline::linux_abi
