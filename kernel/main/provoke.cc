#include "main/provoke.hh"

#include "arch/x86_64/interrupts.hh"
#include "core/assert.hh"
#include "core/boot_options.hh"
#include "core/idle.hh"
#include "core/panic.hh"
#include "memory/address.hh"

namespace plumbline {
namespace {

enum Failure : std::size_t {
  kNone,
  kPanic,
  kAssert,
  kPageFault,
  kNull,
  kHang,
  kStackOverflow,
  kWriteText,
  kNearPanic,
  kNearFault
};
constexpr const char* kWords[] = {"none",       "panic",     "assert",         "page-fault",
                                  "null",       "hang",      "stack-overflow", "write-text",
                                  "near-panic", "near-fault"};

BOOT_OPTION(Choice, failure, "debug.provoke", kNone, kWords,
            "fail at the start, to test the report");

// Not inlined: their names shall appear in the backtrace.
[[gnu::noinline]] int read_null() {
  const volatile int* null = nullptr;
  // The compiler must not know that it is null, or it drops the read.
  asm("" : "+r"(null));
  return *null;
}

[[gnu::noinline]] void write_unmapped() {
  *reinterpret_cast<volatile int*>(std::uint64_t{0x1234'5678'9000}) = 1;
}

[[gnu::noinline]] void write_text() {
  *reinterpret_cast<volatile char*>(reinterpret_cast<std::uint64_t>(&provoke_failure)) = 0;
}

[[gnu::noinline]] void panic_near() { panic("provoked"); }

// Two levels: a function that calls nothing has no frame, so its caller is missing in the
// backtrace. Neither call is the last, so that near return addresses stay on the stack.
[[gnu::noinline]] void call_write_unmapped() {
  write_unmapped();
  asm volatile("");
}
[[gnu::noinline]] void fault_near() {
  call_write_unmapped();
  asm volatile("");
}

// As programs call: the whole chain runs at near addresses.
void call_near(void (*function)()) {
  const std::uint64_t near = near_address(reinterpret_cast<const void*>(function));
  reinterpret_cast<void (*)()>(near)();
}

[[gnu::noinline]] int overflow_stack(volatile int* depth) {
  volatile char frame[512];
  frame[0] = static_cast<char>(*depth);
  *depth = *depth + 1;
  // The condition never holds; without it the compiler refuses.
  return *depth < 0 ? 0 : overflow_stack(depth) + frame[0];
}

[[gnu::noinline]] void hang() {
  mask_interrupts();
  for (;;) cpu_relax();
}

}  // namespace

void provoke_failure() {
  volatile int depth = 0;
  switch (failure.get()) {
    case kPanic:
      panic("provoked");
    case kAssert:
      ASSERT_MSG(failure.get() == kNone, "provoked");
      break;
    case kPageFault:
      write_unmapped();
      break;
    case kNull:
      depth = read_null();
      break;
    case kHang:
      hang();
      break;
    case kStackOverflow:
      depth = overflow_stack(&depth);
      break;
    case kWriteText:
      write_text();
      break;
    case kNearPanic:
      call_near(panic_near);
      break;
    case kNearFault:
      call_near(fault_near);
      break;
    default:
      break;
  }
}

}  // namespace plumbline
