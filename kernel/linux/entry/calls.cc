#include <atomic>

#include "arch/x86_64/entry_frame.h"
#include "core/assert.hh"
#include "core/log.hh"
#include "core/panic.hh"
#include "linux/call.hh"
#include "linux/entry/call_names.hh"
#include "memory/address.hh"

namespace plumbline::linux_abi {

static_assert(kCallNumbers == CALL_NUMBERS);

extern "C" {
extern const CallEntry __start_linux_calls[], __stop_linux_calls[];

// arch/x86_64/call_entry.S calls through these.
CallFunction call_table[kCallNumbers];
CallFunction register_call_table[kCallNumbers];
// The entry for all numbers.
extern const char application_call[];
// What it offers for numbers without a call, and for calls that want the registers.
void call_unknown();
void call_with_registers();
long unknown_call(std::uint64_t number);
}

namespace {

// Which unknown calls have been logged, one bit each; the last bit stands for all numbers beyond.
std::atomic<std::uint64_t> logged[kCallNumbers / 64 + 1];

CallFunction as_function(void (*entry)()) { return reinterpret_cast<CallFunction>(entry); }

// The entry runs near its programs, and what it calls should be near as well.
void move_near(CallFunction& function) {
  function = reinterpret_cast<CallFunction>(near_address(reinterpret_cast<const void*>(function)));
}

constinit CallEntries entries{};

}  // namespace

const CallEntries& call_entries() { return entries; }

void initialise_calls() {
  for (CallFunction& function : call_table) function = as_function(call_unknown);
  entries.fill(near_address(application_call));
  for (const CallEntry* entry = __start_linux_calls; entry != __stop_linux_calls; ++entry) {
    ASSERT(entry->number < kCallNumbers);
    CallFunction& function = call_table[entry->number];
    if (function != as_function(call_unknown)) {
      panic("system call %u (%s) is registered twice", entry->number, entry->name);
    }
    if (entry->with_registers) {
      register_call_table[entry->number] = entry->function;
      function = as_function(call_with_registers);
    } else {
      function = entry->function;
      entries[entry->number] = near_address(reinterpret_cast<const void*>(entry->entry));
    }
  }
  for (CallFunction& function : call_table) move_near(function);
  for (CallFunction& function : register_call_table) move_near(function);
}

long unknown_call(std::uint64_t number) {
  const std::uint64_t index = number < kCallNumbers ? number : kCallNumbers;
  const std::uint64_t bit = std::uint64_t{1} << (index % 64);
  if ((logged[index / 64].fetch_or(bit, std::memory_order_relaxed) & bit) == 0) {
    const char* name = call_name(number);
    log_warning("system call %lu (%s) is not implemented: ENOSYS", number,
                name != nullptr ? name : "no such call on Linux");
  }
  return to_register(Errno::kENOSYS);
}

}  // namespace plumbline::linux_abi
