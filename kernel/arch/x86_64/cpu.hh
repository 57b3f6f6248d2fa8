// Single instructions that C++ has no words for.
#pragma once

#include <cstdint>

namespace plumbline {

namespace msr {
inline constexpr std::uint32_t kApicBase = 0x1b;
inline constexpr std::uint32_t kTscDeadline = 0x6e0;
inline constexpr std::uint32_t kX2ApicFirst = 0x800;
inline constexpr std::uint32_t kStar = 0xc000'0081;
inline constexpr std::uint32_t kLstar = 0xc000'0082;
inline constexpr std::uint32_t kFmask = 0xc000'0084;
inline constexpr std::uint32_t kKvmWallClock = 0x4b564d00;
inline constexpr std::uint32_t kKvmSystemTime = 0x4b564d01;
inline constexpr std::uint32_t kPvmVif = 0x4b564d10;
inline constexpr std::uint32_t kPvmTscKhz = 0x4b564d13;
}  // namespace msr

// 2.3 us on kvm_pvm.
inline std::uint64_t read_msr(std::uint32_t index) {
  std::uint32_t low, high;
  asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(index));
  return (static_cast<std::uint64_t>(high) << 32) | low;
}
inline void write_msr(std::uint32_t index, std::uint64_t value) {
  asm volatile("wrmsr"
               :
               : "c"(index), "a"(static_cast<std::uint32_t>(value)),
                 "d"(static_cast<std::uint32_t>(value >> 32))
               : "memory");
}

struct CpuidResult {
  std::uint32_t eax, ebx, ecx, edx;
};
// On kvm_pvm this shows the outer machine: ask the platform first.
inline CpuidResult cpuid(std::uint32_t leaf, std::uint32_t subleaf = 0) {
  CpuidResult r;
  asm volatile("cpuid"
               : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
               : "a"(leaf), "c"(subleaf));
  return r;
}

inline std::uint64_t read_cr2() {
  std::uint64_t value;
  asm volatile("mov %%cr2, %0" : "=r"(value));
  return value;
}
inline std::uint64_t read_cr3() {
  std::uint64_t value;
  asm volatile("mov %%cr3, %0" : "=r"(value));
  return value;
}
// Also flushes the TLB of this CPU.
inline void write_cr3(std::uint64_t value) {
  asm volatile("mov %0, %%cr3" : : "r"(value) : "memory");
}
inline void invalidate_page(std::uint64_t address) {
  asm volatile("invlpg (%0)" : : "r"(address) : "memory");
}

}  // namespace plumbline
