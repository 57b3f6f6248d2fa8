// System calls: each family of calls registers its functions here; the entry calls them through one
// table.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

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
  // The call looks at or changes registers beyond its arguments (call_registers()).
  bool with_registers = false;
};

// One more than the highest number in the table (Linux, arch/x86/entry/syscalls/syscall_64.tbl).
inline constexpr unsigned kCallNumbers = 512;

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
#define LINUX_CALL(number_, name_, function_)                                         \
  [[gnu::section("linux_calls"), gnu::used, gnu::aligned(8),                          \
    gnu::retain]] static const ::plumbline::linux_abi::CallEntry linux_call_##name_ { \
    number_, #name_, ::plumbline::linux_abi::call_detail::Adapt<function_>::call      \
  }

// The same for calls that use call_registers(): clone, vfork, execve, rt_sigreturn.
#define LINUX_CALL_WITH_REGISTERS(number_, name_, function_)                           \
  [[gnu::section("linux_calls"), gnu::used, gnu::aligned(8),                           \
    gnu::retain]] static const ::plumbline::linux_abi::CallEntry linux_call_##name_ {  \
    number_, #name_, ::plumbline::linux_abi::call_detail::Adapt<function_>::call, true \
  }
