#include "platform/platform.hh"

#include "arch/x86_64/cpu.hh"
#include "platform/kvm_clock.hh"

namespace plumbline {
namespace {

Platform detected;

constexpr std::uint32_t kSignatureKvm = 0x4b4d564b;  // "KVMK"
constexpr std::uint32_t kSignatureTcg = 0x54474354;  // "TCGT"
constexpr std::uint32_t kKvmFeatureClock2 = 1 << 3;
constexpr std::uint32_t kX2Apic = 1 << 21, kTscDeadline = 1 << 24;

// KVM can tell the frequency in the leaf that VMware defined: EAX in kHz.
std::uint64_t khz_from_leaves() {
  const CpuidResult highest = cpuid(0x40000000);
  if (highest.eax >= 0x40000010) {
    const CpuidResult timing = cpuid(0x40000010);
    if (timing.eax != 0) return timing.eax;
  }
  if (cpuid(0).eax >= 0x15) {
    const CpuidResult crystal = cpuid(0x15);
    if (crystal.eax != 0 && crystal.ebx != 0 && crystal.ecx != 0) {
      return std::uint64_t{crystal.ecx} * crystal.ebx / crystal.eax / 1000;
    }
  }
  return 0;
}

}  // namespace

void detect_platform() {
  if (boot_record.is_kvm_pvm != 0) {
    // CPUID shows the outer machine here; all of these are promised by the platform.
    detected = {PlatformKind::kKvmPvm, "kvm_pvm", true, true, false, read_msr(msr::kPvmTscKhz)};
    detected.kvm_clock = (boot_record.kvm_features & kKvmFeatureClock2) != 0;
    return;
  }
  const CpuidResult features = cpuid(1);
  detected.x2apic = (features.ecx & kX2Apic) != 0;
  detected.tsc_deadline = (features.ecx & kTscDeadline) != 0;
  switch (boot_record.hypervisor_signature) {
    case kSignatureKvm:
      detected.kind = PlatformKind::kKvm;
      detected.name = "kvm";
      detected.kvm_clock = (boot_record.kvm_features & kKvmFeatureClock2) != 0;
      detected.tsc_khz = khz_from_leaves();
      if (detected.tsc_khz == 0 && detected.kvm_clock) detected.tsc_khz = kvm_clock_tsc_khz();
      break;
    case kSignatureTcg:
      detected.kind = PlatformKind::kTcg;
      detected.name = "tcg";
      break;
    default:
      break;
  }
}

const Platform& platform() { return detected; }

}  // namespace plumbline
