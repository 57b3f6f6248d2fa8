#include "core/panic.hh"

#include <atomic>
#include <cstdarg>

#include "arch/x86_64/apic.hh"
#include "arch/x86_64/cpu.hh"
#include "arch/x86_64/paging.hh"
#include "arch/x86_64/trap_frame.hh"
#include "core/assert.hh"
#include "core/clock.hh"
#include "core/format.hh"
#include "core/idle.hh"
#include "core/log.hh"
#include "core/log_ring.hh"
#include "core/per_cpu.hh"
#include "core/symbols.hh"
#include "memory/address.hh"
#include "platform/platform.hh"

extern "C" {
extern const char __text_start[], __text_end[];
extern const std::uint32_t symbol_index[], symbol_index_end[];
extern const std::uint8_t symbol_data[], symbol_data_end[];
// entry.S lets NMIs stop the CPU once this is set.
std::atomic<std::uint32_t> panic_in_progress{0};
// The registers at the call of panic(), kept by panic_entry.S.
extern const plumbline::TrapFrame panic_frame;
[[noreturn]] void panic_from_code(const char* format, ...);
}

namespace plumbline {

SymbolTable kernel_symbols() {
  return {{symbol_index, symbol_index_end}, {symbol_data, symbol_data_end}};
}

namespace {

// The panic's text is collected and written in one block: the serial port may be slow.
char report[6144];
std::size_t report_length;

[[gnu::format(printf, 1, 2)]] void print(const char* format, ...) {
  std::va_list arguments;
  va_start(arguments, format);
  report_length += format_list(std::span(report).subspan(report_length), format, arguments);
  va_end(arguments);
}

// Calls run at near addresses; what is printed can be looked up in the image.
void print_location(unsigned depth, std::uint64_t seen) {
  const std::uint64_t address = linked_address(seen);
  const auto text = reinterpret_cast<std::uint64_t>(__text_start);
  SymbolName name;
  // A return address may be the first byte of the next function when the call does not return.
  const std::uint64_t inside = depth == 0 ? address : address - 1;
  if (inside >= text && inside < reinterpret_cast<std::uint64_t>(__text_end) &&
      find_symbol(kernel_symbols(), inside - text, name)) {
    print("  #%-2u %016lx %s+%#lx\n", depth, address, name.text,
          name.offset + (depth == 0 ? 0 : 1));
  } else {
    print("  #%-2u %016lx\n", depth, address);
  }
}

// `rip` is 0 when the innermost function is the one that reports.
void print_backtrace(std::uint64_t rip, std::uint64_t rbp) {
  print("backtrace:\n");
  unsigned depth = 0;
  if (rip != 0) print_location(depth, rip);
  ++depth;
  // Frames lie one above the other on one stack, and a frame is two words: saved RBP, return
  // address.
  for (; depth < 32 && rbp != 0 && rbp % 8 == 0; ++depth) {
    if (!paging::is_mapped({rbp}) || !paging::is_mapped({rbp + 15})) break;
    const auto* frame = reinterpret_cast<const std::uint64_t*>(rbp);
    if (frame[1] == 0) break;
    print_location(depth, frame[1]);
    // An interrupt's frame may lie on another stack than the one it interrupted, so only standing
    // still is refused.
    if (frame[0] == rbp) break;
    rbp = frame[0];
  }
}

void print_registers(const TrapFrame& f) {
  print("rip %016lx rsp %016lx rflags %08lx cs %04lx ss %04lx interrupts %s\n",
        linked_address(f.rip), f.rsp, f.rflags, f.cs, f.ss,
        f.interrupts_enabled != 0 ? "on" : "masked");
  print("rax %016lx rbx %016lx rcx %016lx rdx %016lx\n", f.rax, f.rbx, f.rcx, f.rdx);
  print("rsi %016lx rdi %016lx rbp %016lx r8  %016lx\n", f.rsi, f.rdi, f.rbp, f.r8);
  print("r9  %016lx r10 %016lx r11 %016lx r12 %016lx\n", f.r9, f.r10, f.r11, f.r12);
  print("r13 %016lx r14 %016lx r15 %016lx cr2 %016lx\n", f.r13, f.r14, f.r15, read_cr2());
}

void stop_other_cpus() {
  for (unsigned i = 0; i < cpu_count(); ++i) {
    // A CPU that has not started yet has no APIC id of its own, and ours must not be stopped.
    if (cpu(i).apic_id != this_cpu().apic_id) apic::send_nmi(cpu(i).apic_id);
  }
  if (cpu_count() > 1) {
    // They stop within microseconds when they run at all; their last words need not be waited for.
    const std::uint64_t start = tsc_now();
    while (tsc_to_nanoseconds(tsc_now() - start) < microseconds(200)) cpu_relax();
  }
}

[[noreturn]] void report_and_leave(ExitCode code, const TrapFrame* frame, std::uint64_t rbp,
                                   const char* format, std::va_list arguments) {
  asm volatile("movb $0, %%gs:0" : : : "memory");
  const std::uint32_t depth = panic_in_progress.fetch_add(1, std::memory_order_acq_rel);
  if (depth != 0) {
    // Either this CPU failed while reporting, or another is reporting: the first report counts. A
    // failure of the report itself must still end the guest.
    static constexpr char kAgain[] = "\nPANIC while reporting a panic\n";
    if (this_cpu().index == 0 || cpu_count() == 1 || depth > 1) {
      serial_write({report, report_length});
      serial_write({kAgain, sizeof kAgain - 1});
      leave_guest(static_cast<std::uint8_t>(code));
    }
    for (;;) asm volatile("hlt");
  }
  stop_other_cpus();
  print("\nPANIC on cpu %u at %lu us: ", this_cpu().index, monotonic_now().count / 1000);
  report_length += format_list(std::span(report).subspan(report_length), format, arguments);
  print("\n");
  if (frame != nullptr) {
    print_registers(*frame);
    print_backtrace(frame->rip, frame->rbp);
  } else {
    print_backtrace(0, rbp);
  }
  print("end of panic\n");
  log_panic_flush();
  serial_write({report, report_length});
  leave_guest(static_cast<std::uint8_t>(code));
}

}  // namespace

void panic_at(const TrapFrame& frame, const char* format, ...) {
  std::va_list arguments;
  va_start(arguments, format);
  report_and_leave(ExitCode::kPanic, &frame, 0, format, arguments);
}

void panic_stuck(const char* format, ...) {
  std::va_list arguments;
  va_start(arguments, format);
  report_and_leave(ExitCode::kStuck, nullptr,
                   reinterpret_cast<std::uint64_t>(__builtin_frame_address(0)), format, arguments);
}

void assertion_failed(const char* expression, const char* message, const char* file, int line) {
  panic("%s:%d: assertion failed: %s%s%s", file, line, expression, message != nullptr ? ": " : "",
        message != nullptr ? message : "");
}

void power_off(ExitCode code) {
  log_flush();
  leave_guest(static_cast<std::uint8_t>(code));
}

}  // namespace plumbline

void panic_from_code(const char* format, ...) {
  std::va_list arguments;
  va_start(arguments, format);
  plumbline::report_and_leave(plumbline::ExitCode::kPanic, &panic_frame, 0, format, arguments);
}
