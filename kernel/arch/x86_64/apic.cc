#include "arch/x86_64/apic.hh"

#include <algorithm>

#include "arch/x86_64/cpu.hh"
#include "arch/x86_64/mmio.hh"
#include "core/clock.hh"
#include "core/idle.hh"

namespace plumbline::apic {
namespace {

// Registers by their x2APIC number; the xAPIC's memory offset is sixteen times that.
enum Register : std::uint32_t {
  kId = 0x02,
  kTaskPriority = 0x08,
  kEndOfInterrupt = 0x0b,
  kSpurious = 0x0f,
  kCommandLow = 0x30,
  kCommandHigh = 0x31,
  kLvtTimer = 0x32,
  kLvtLint0 = 0x35,
  kLvtLint1 = 0x36,
  kLvtError = 0x37,
  kInitialCount = 0x38,
  kCurrentCount = 0x39,
  kDivide = 0x3e,
};

constexpr std::uint32_t kMasked = 1 << 16;
constexpr std::uint32_t kTscDeadlineMode = 2 << 17;
constexpr std::uint32_t kDivideBy1 = 0xb;
constexpr std::uint32_t kDeliverNmi = 4 << 8, kDeliverInit = 5 << 8, kDeliverStartup = 6 << 8;
constexpr std::uint32_t kAssert = 1 << 14;
constexpr std::uint32_t kDeliveryPending = 1 << 12;
constexpr PhysicalAddress kMemory{0xfee00000};

bool x2apic_mode;
TimerMode timer_mode;

std::uint32_t read(Register r) {
  if (x2apic_mode) return static_cast<std::uint32_t>(read_msr(msr::kX2ApicFirst + r));
  return mmio_read<std::uint32_t>(to_virtual(kMemory) + 16 * r);
}

void write(Register r, std::uint32_t value) {
  if (x2apic_mode) {
    write_msr(msr::kX2ApicFirst + r, value);
  } else {
    mmio_write<std::uint32_t>(to_virtual(kMemory) + 16 * r, value);
  }
}

void command(std::uint32_t apic_id, std::uint32_t low) {
  if (x2apic_mode) {
    // The MSR write does not wait for earlier stores (SDM volume 3, 11.12.3), and what the receiver
    // shall read was written by them.
    asm volatile("mfence" : : : "memory");
    write_msr(msr::kX2ApicFirst + kCommandLow, (static_cast<std::uint64_t>(apic_id) << 32) | low);
    return;
  }
  write(kCommandHigh, apic_id << 24);
  write(kCommandLow, low);
  while ((read(kCommandLow) & kDeliveryPending) != 0) cpu_relax();
}

}  // namespace

void detect(bool x2apic, bool tsc_deadline) {
  x2apic_mode = x2apic;
  timer_mode = tsc_deadline ? TimerMode::kTscDeadline : TimerMode::kCounter;
}

std::uint32_t initialise_cpu(std::uint8_t timer_vector) {
  if (x2apic_mode) write_msr(msr::kApicBase, read_msr(msr::kApicBase) | 0xc00);
  write(kSpurious, 0x1ff);
  // The old interrupt controller's line (LINT0): masking it here saves masking the controller
  // itself.
  write(kLvtLint0, kMasked);
  // QEMU's emulated processor keeps the old controller's request, when a firmware left one waiting,
  // until the next change of priority; it would come as interrupt -1, a general protection fault.
  write(kTaskPriority, 0);
  if (timer_mode == TimerMode::kTscDeadline) {
    write(kLvtTimer, kTscDeadlineMode | timer_vector);
  } else {
    write(kDivide, kDivideBy1);
    write(kLvtTimer, timer_vector);
  }
  const std::uint32_t id = read(kId);
  return x2apic_mode ? id : id >> 24;
}

void end_of_interrupt() { write(kEndOfInterrupt, 0); }

void send_interrupt(std::uint32_t apic_id, std::uint8_t vector) {
  command(apic_id, kAssert | vector);
}
void send_nmi(std::uint32_t apic_id) { command(apic_id, kAssert | kDeliverNmi); }
void send_init(std::uint32_t apic_id) { command(apic_id, kAssert | kDeliverInit); }
void send_startup(std::uint32_t apic_id, std::uint8_t page) {
  command(apic_id, kAssert | kDeliverStartup | page);
}

void set_timer(std::uint64_t tsc) {
  if (timer_mode == TimerMode::kTscDeadline) {
    // Zero would disarm it.
    write_msr(msr::kTscDeadline, std::max<std::uint64_t>(tsc, 1));
    return;
  }
  const std::uint64_t now = tsc_now();
  const std::uint64_t wait = tsc > now ? tsc_to_nanoseconds(tsc - now).count : 0;
  // At least 1: a count of zero stops the timer. One count is 1 ns.
  write(kInitialCount, static_cast<std::uint32_t>(std::clamp<std::uint64_t>(wait, 1, 0xffff'ffff)));
}

namespace {

// The APIC timer's count and the TSC at the same time: of several tries the one in which the two
// TSC readings around the count lie closest. The host may take the CPU away between any two
// instructions.
struct Reading {
  std::uint32_t count;
  std::uint64_t tsc;
};

Reading read_both() {
  Reading best{};
  std::uint64_t narrowest = ~std::uint64_t{0};
  for (int i = 0; i < 8; ++i) {
    const std::uint64_t before = tsc_now();
    const std::uint32_t count = read(kCurrentCount);
    const std::uint64_t after = tsc_now();
    if (after - before >= narrowest) continue;
    narrowest = after - before;
    best = {count, before + narrowest / 2};
  }
  return best;
}

}  // namespace

std::uint64_t measure_tsc_khz() {
  constexpr std::uint32_t kSpan = 2'000'000;  // ns
  const std::uint32_t lvt = read(kLvtTimer);
  write(kLvtTimer, kMasked);
  write(kDivide, kDivideBy1);
  write(kInitialCount, 0xffff'ffff);
  const Reading begin = read_both();
  while (begin.count - read(kCurrentCount) < kSpan) cpu_relax();
  const Reading end = read_both();
  write(kInitialCount, 0);
  write(kLvtTimer, lvt);
  return (end.tsc - begin.tsc) * 1'000'000 / (begin.count - end.count);
}

}  // namespace plumbline::apic
