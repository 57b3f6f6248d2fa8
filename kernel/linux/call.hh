// System calls: each family of calls registers its functions here; the entry calls them through one
// table.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "arch/x86_64/call_entry_text.h"
#include "core/result.hh"

// The kernel is compiled for general registers only, which the attribute needs; hosted builds are
// not.
#ifdef PLUMBLINE_HOSTED
#define PLUMBLINE_KEEPS_REGISTERS
#else
#define PLUMBLINE_KEEPS_REGISTERS [[gnu::no_caller_saved_registers]]
#endif

namespace plumbline::linux_abi {

// The arguments as the program put them into RDI, RSI, RDX, R10, R8 and R9.
using CallFunction = long (*)(std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t,
                              std::uint64_t, std::uint64_t);

struct CallEntry {
  unsigned number;
  const char* name;
  CallFunction function;
  // Where a stub that knows the number jumps to; null: the entry for all numbers.
  void (*entry)();
  // The call looks at or changes registers beyond its arguments (call_registers()).
  bool with_registers = false;
};

// One more than the highest number in the table (Linux, arch/x86/entry/syscalls/syscall_64.tbl).
inline constexpr unsigned kCallNumbers = 512;

// Where stubs jump to, by the call's number; the last: where the number is not known.
using CallEntries = std::array<std::uint64_t, kCallNumbers + 1>;
// Complete once initialise_calls() has run.
const CallEntries& call_entries();

// Puts all registered calls into the table. Called before the first program starts.
void initialise_calls();

// What a program gets in RAX.
constexpr long to_register(Errno error) { return -static_cast<long>(error); }
template <typename T>
constexpr long to_register(const Result<T>& result) {
  return result ? static_cast<long>(*result) : to_register(result.error());
}
constexpr long to_register(const Status& status) {
  return status ? 0 : to_register(status.error());
}

namespace call_detail {
// Calls a function with its own parameter types from the six registers.
template <auto Function, typename Result, typename... Parameters>
struct Adapter {
  // The entry saves no registers: a function saves those that it uses.
  PLUMBLINE_KEEPS_REGISTERS static long call(std::uint64_t a, std::uint64_t b, std::uint64_t c,
                                             std::uint64_t d, std::uint64_t e, std::uint64_t f) {
    const std::uint64_t registers[6] = {a, b, c, d, e, f};
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      return to_register(Function(static_cast<Parameters>(registers[I])...));
    }
    (std::index_sequence_for<Parameters...>{});
  }
};
template <auto Function>
struct Adapt;
template <typename R, typename... P, R (*Function)(P...)>
struct Adapt<Function> : Adapter<Function, R, P...> {};
}  // namespace call_detail

}  // namespace plumbline::linux_abi

// LINUX_CALL(39, getpid, call_getpid) at namespace scope. The function takes up to six integers
// (int and unsigned take the register's low half, as on Linux) and returns Result<integer> or
// Status.
#define LINUX_CALL(number_, name_, function_) \
  LINUX_CALL_ENTRY(number_, name_, function_) \
  LINUX_CALL_IN_TABLE(number_, name_, function_, call_entry_of_##name_, false)

// The same for calls that use call_registers(): clone, vfork, execve, rt_sigreturn.
#define LINUX_CALL_WITH_REGISTERS(number_, name_, function_) \
  LINUX_CALL_IN_TABLE(number_, name_, function_, nullptr, true)

#define LINUX_CALL_IN_TABLE(number_, name_, function_, entry_, with_registers_)           \
  [[gnu::section("linux_calls"), gnu::used, gnu::aligned(8),                              \
    gnu::retain]] static const ::plumbline::linux_abi::CallEntry linux_call_##name_ {     \
    number_, #name_, ::plumbline::linux_abi::call_detail::Adapt<function_>::call, entry_, \
        with_registers_                                                                   \
  }

#define LINUX_CALL_TEXT(...) LINUX_CALL_STRING(__VA_ARGS__)
#define LINUX_CALL_STRING(...) #__VA_ARGS__

// The call's own entry (arch/x86_64/call_entry_text.h).
#ifdef PLUMBLINE_HOSTED
#define LINUX_CALL_ENTRY(number_, name_, function_) \
  [[maybe_unused]] constexpr void (*call_entry_of_##name_)() = nullptr;
#else
#define LINUX_CALL_ENTRY(number_, name_, function_)                                           \
  [[gnu::naked, gnu::section(".text.call_entries"), gnu::used, gnu::aligned(CALL_ENTRY_SIZE), \
    gnu::retain]] static void call_entry_of_##name_() {                                       \
    asm(LINUX_CALL_TEXT(CALL_ENTRY_TEXT(number_)));                                           \
    asm("call %P0" : : "i"(::plumbline::linux_abi::call_detail::Adapt<function_>::call));     \
    asm(LINUX_CALL_TEXT(CALL_EXIT_TEXT));                                                     \
  }
#endif
