// What is known of signals: actions, what is pending, alternate stacks.
#pragma once

#include <array>
#include <cstdint>

#include "core/intrusive_list.hh"

namespace plumbline::linux_abi {

// Bit n-1 is signal n.
using SignalMask = std::uint64_t;
inline constexpr unsigned kSignals = 64;
constexpr SignalMask signal_bit(unsigned signal) { return SignalMask{1} << (signal - 1); }

// siginfo_t as programs see it, 128 bytes (Linux, include/uapi/asm-generic/siginfo.h).
struct SignalInformation {
  std::int32_t signal;
  std::int32_t error;
  std::int32_t code;
  std::int32_t padding;
  std::array<std::uint64_t, 14> fields;  // by code: pid and uid, address, timer, value, status
};
static_assert(sizeof(SignalInformation) == 128);

// struct sigaction as rt_sigaction takes it on x86-64.
struct SignalAction {
  std::uint64_t handler;  // 0: default, 1: ignore
  std::uint64_t flags;
  std::uint64_t restorer;
  SignalMask mask;
};
static_assert(sizeof(SignalAction) == 32);

struct SignalHandlers {
  std::array<SignalAction, kSignals + 1> actions{};
};

struct PosixTimer;

struct QueuedSignal {
  ListHook hook;
  SignalInformation information{};
  // The timer that this entry is a part of; null: from the heap.
  PosixTimer* timer = nullptr;
};

// Signals that wait; real-time ones as often as they were sent. Under the signal lock.
struct PendingSignals {
  SignalMask mask = 0;
  IntrusiveList<QueuedSignal, &QueuedSignal::hook> queue;
};

class Task;

// A task among those of its process that take signals; under the signal lock.
struct SignalTaker {
  ListHook hook;
  Task* task = nullptr;
  // rt_sigsuspend, ppoll and the like: the mask to put back once a handler has been chosen.
  SignalMask saved_blocked = 0;
  bool restore_blocked = false;
  // rt_sigtimedwait: blocked signals that the task waits for.
  SignalMask waited_for = 0;
};
using SignalTakers = IntrusiveList<SignalTaker, &SignalTaker::hook>;

// sigaltstack(2).
struct AlternateStack {
  std::uint64_t address = 0;
  std::int32_t flags = 2;  // SS_DISABLE
  std::uint64_t size = 0;
};

}  // namespace plumbline::linux_abi
