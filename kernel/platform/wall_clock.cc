#include "arch/x86_64/mmio.hh"
#include "platform/calendar.hh"
#include "platform/kvm_clock.hh"
#include "platform/platform.hh"

namespace plumbline {
namespace {

std::uint8_t cmos(std::uint8_t index) {
  port_out<std::uint8_t>(0x70, index);
  return port_in<std::uint8_t>(0x71);
}

struct CmosTime {
  std::uint8_t second, minute, hour, day, month, year;
  bool operator==(const CmosTime&) const = default;
};

CmosTime read_cmos() { return {cmos(0), cmos(2), cmos(4), cmos(7), cmos(8), cmos(9)}; }

unsigned from_bcd(unsigned value) { return (value >> 4) * 10 + (value & 15); }

// The MC146818's time; 0 without the chip, whose ports then read as all ones.
Nanoseconds read_rtc() {
  const std::uint8_t mode = cmos(0x0b);
  if (mode == 0xff) return {};
  CmosTime time, again = read_cmos();
  do {
    // Twice the same: no update came in between.
    time = again;
    again = read_cmos();
  } while (!(time == again));
  const bool binary = (mode & 4) != 0, hours24 = (mode & 2) != 0;
  const bool afternoon = !hours24 && (time.hour & 0x80) != 0;
  const auto decode = [&](unsigned raw) { return binary ? raw : from_bcd(raw); };
  unsigned hour = decode(time.hour & 0x7f);
  if (!hours24) hour = hour % 12 + (afternoon ? 12 : 0);
  const std::uint64_t days =
      days_since_1970(2000 + decode(time.year), decode(time.month), decode(time.day));
  return seconds(days * 86400 + hour * 3600 + decode(time.minute) * 60 + decode(time.second));
}

}  // namespace

Nanoseconds read_platform_wall_clock() {
  if (platform().kvm_clock) {
    const Nanoseconds now = kvm_clock_wall_now();
    if (now.count != 0) return now;
  }
  return read_rtc();
}

}  // namespace plumbline
