#include "linux/proc/cpu_description.hh"

#include <cpuid.h>

#include <array>
#include <cstdint>
#include <cstring>

namespace plumbline::linux_abi {
namespace {

struct Leaf {
  std::uint32_t a = 0, b = 0, c = 0, d = 0;
};
Leaf leaf(std::uint32_t number, std::uint32_t index = 0) {
  Leaf result;
  __get_cpuid_count(number, index, &result.a, &result.b, &result.c, &result.d);
  return result;
}

// Names in the order of their bits, as Linux calls them (arch/x86/include/asm/cpufeatures.h); "-"
// has none.
constexpr std::string_view kBasicD =
    "fpu vme de pse tsc msr pae mce cx8 apic - sep mtrr pge mca cmov pat pse36 pn clflush - dts "
    "acpi mmx fxsr sse sse2 ss ht tm ia64 pbe";
constexpr std::string_view kExtendedD =
    "- - - - - - - - - - - syscall - - - - - - - mp nx - mmxext - - fxsr_opt pdpe1gb rdtscp - lm "
    "3dnowext 3dnow";
constexpr std::string_view kBasicC =
    "pni pclmulqdq dtes64 monitor ds_cpl vmx smx est tm2 ssse3 cid sdbg fma cx16 xtpr pdcm - pcid "
    "dca sse4_1 sse4_2 x2apic movbe popcnt tsc_deadline_timer aes xsave - avx f16c rdrand "
    "hypervisor";
constexpr std::string_view kExtendedC =
    "lahf_lm cmp_legacy svm extapic cr8_legacy abm sse4a misalignsse 3dnowprefetch osvw ibs xop "
    "skinit wdt - lwp fma4 tce - nodeid_msr - tbm topoext perfctr_core perfctr_nb - bpext ptsc "
    "perfctr_llc mwaitx - -";
constexpr std::string_view kFeaturesB =
    "fsgsbase tsc_adjust sgx bmi1 hle avx2 - smep bmi2 erms invpcid rtm cqm - mpx rdt_a avx512f "
    "avx512dq rdseed adx smap avx512ifma - clflushopt clwb intel_pt avx512pf avx512er avx512cd "
    "sha_ni avx512bw avx512vl";
constexpr std::string_view kFeaturesC =
    "- avx512vbmi umip pku ospke waitpkg avx512_vbmi2 - gfni vaes vpclmulqdq avx512_vnni "
    "avx512_bitalg tme avx512_vpopcntdq - la57 - - - - - rdpid - bus_lock_detect cldemote - "
    "movdiri movdir64b enqcmd - -";
constexpr std::string_view kFeaturesD =
    "- - avx512_4vnniw avx512_4fmaps fsrm - - - avx512_vp2intersect - md_clear - - - serialize - "
    "tsxldtrk - pconfig arch_lbr - - amx_bf16 avx512_fp16 amx_tile amx_int8 - - flush_l1d "
    "arch_capabilities - -";
constexpr std::string_view kSaveA = "xsaveopt xsavec xgetbv1 xsaves";

void print_flags(TextBuffer& text, std::uint32_t bits, std::string_view names) {
  for (; !names.empty(); bits >>= 1) {
    const std::size_t end = names.find(' ');
    const std::string_view name = names.substr(0, end);
    if ((bits & 1) != 0 && name != "-") {
      text.append(' ');
      text.append(name);
    }
    names = end == std::string_view::npos ? std::string_view() : names.substr(end + 1);
  }
}

struct Model {
  unsigned family, model, stepping;
};
// Intel SDM volume 2, CPUID leaf 1: the extended fields.
Model model_of(std::uint32_t signature) {
  const unsigned family = signature >> 8 & 0xf, model = signature >> 4 & 0xf;
  const unsigned extended_model = signature >> 16 & 0xf;
  return {family == 0xf ? family + (signature >> 20 & 0xff) : family,
          family == 6 || family == 0xf ? model + (extended_model << 4) : model, signature & 0xf};
}

void print_model_name(TextBuffer& text) {
  std::array<std::uint32_t, 12> words{};
  for (std::uint32_t i = 0; i < 3; ++i) {
    const Leaf part = leaf(0x8000'0002 + i);
    words[4 * i] = part.a;
    words[4 * i + 1] = part.b;
    words[4 * i + 2] = part.c;
    words[4 * i + 3] = part.d;
  }
  std::array<char, sizeof words + 1> name{};
  std::memcpy(name.data(), words.data(), sizeof words);
  std::string_view shown(name.data());
  while (shown.starts_with(' ')) shown.remove_prefix(1);
  while (shown.ends_with(' ')) shown.remove_suffix(1);
  text.append("model name\t: ");
  text.append(shown);
  text.append('\n');
}

void print_vendor(TextBuffer& text) {
  const Leaf first = leaf(0);
  const std::array<std::uint32_t, 3> words = {first.b, first.d, first.c};
  text.append("vendor_id\t: ");
  text.append({reinterpret_cast<const char*>(words.data()), sizeof words});
  text.append('\n');
}

}  // namespace

void print_cpu(TextBuffer& text, unsigned cpu, unsigned cpus, unsigned apic_id,
               unsigned long long khz) {
  const Leaf first = leaf(0), basic = leaf(1), extended = leaf(0x8000'0001);
  const Leaf features = first.a >= 7 ? leaf(7) : Leaf{};
  const Leaf save = first.a >= 0xd ? leaf(0xd, 1) : Leaf{};
  const Leaf sizes = leaf(0x8000'0008), cache = leaf(0x8000'0006);
  const Model model = model_of(basic.a);
  text.print("processor\t: %u\n", cpu);
  print_vendor(text);
  text.print("cpu family\t: %u\nmodel\t\t: %u\n", model.family, model.model);
  print_model_name(text);
  text.print("stepping\t: %u\nmicrocode\t: 0x1\n", model.stepping);
  text.print("cpu MHz\t\t: %llu.%03llu\n", khz / 1000, khz % 1000);
  text.print("cache size\t: %u KB\n", cache.c >> 16);
  text.print("physical id\t: 0\nsiblings\t: %u\ncore id\t\t: %u\ncpu cores\t: %u\n", cpus, cpu,
             cpus);
  text.print("apicid\t\t: %u\ninitial apicid\t: %u\n", apic_id, apic_id);
  text.print("fpu\t\t: yes\nfpu_exception\t: yes\ncpuid level\t: %u\nwp\t\t: yes\n", first.a);
  text.append("flags\t\t:");
  print_flags(text, basic.d, kBasicD);
  print_flags(text, extended.d, kExtendedD);
  print_flags(text, basic.c, kBasicC);
  print_flags(text, extended.c, kExtendedC);
  print_flags(text, features.b, kFeaturesB);
  print_flags(text, save.a, kSaveA);
  print_flags(text, features.c, kFeaturesC);
  print_flags(text, features.d, kFeaturesD);
  text.print("\nbugs\t\t:\nbogomips\t: %llu.%02llu\n", khz / 500, khz / 5 % 100);
  const unsigned line = (basic.b >> 8 & 0xff) * 8;
  text.print("clflush size\t: %u\ncache_alignment\t: %u\n", line, line);
  text.print("address sizes\t: %u bits physical, %u bits virtual\npower management:\n\n",
             sizes.a & 0xff, sizes.a >> 8 & 0xff);
}

}  // namespace plumbline::linux_abi
