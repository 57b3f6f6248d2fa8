#include "arch/x86_64/vector_state.hh"

#include <algorithm>
#include <cstring>

#include "arch/x86_64/cpu.hh"
#include "core/assert.hh"
#include "memory/application_memory.hh"
#include "memory/heap.hh"
#include "platform/platform.hh"

extern "C" {
// arch/x86_64/application_access.S
bool application_save_vectors(void* area);
bool application_load_vectors(const void* area);
bool application_load_legacy_vectors(const void* area);
}

namespace plumbline::vector_state {

bool has_xsaveopt;

namespace {

// x87, SSE, AVX, the three parts of AVX-512: what kvm_pvm has, and all that this kernel knows.
constexpr std::uint64_t kKnown = 0xe7;
constexpr std::uint32_t kCpuidXsave = 1 << 26, kCpuidOsxsave = 1 << 27;
constexpr std::uint32_t kCpuidXsaveopt = 1;
constexpr std::size_t kHeader = 512, kHeaderSize = 64;
// With all of kKnown it is 2,696 bytes.
constexpr std::size_t kLargest = 4096;
constexpr std::size_t kControlWord = 0, kMxcsr = 24;

std::size_t size;
std::uint64_t enabled;
alignas(64) std::byte initial[kLargest];

bool has_xsave() {
  const std::uint32_t features = cpuid(1).ecx;
  return (features & kCpuidXsave) != 0 && (features & kCpuidOsxsave) != 0;
}

std::uint64_t read_xcr0() {
  std::uint32_t low, high;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (std::uint64_t{high} << 32) | low;
}

template <typename T>
void put(void* area, std::size_t offset, T value) {
  std::memcpy(static_cast<std::byte*>(area) + offset, &value, sizeof value);
}

// All components, in EDX:EAX.
#define ALL_COMPONENTS "a"(~0u), "d"(~0u)

}  // namespace

void initialise_cpu() {
  // Set by the platform there; CPUID would show the outer machine.
  if (boot_record.is_kvm_pvm != 0) return;
  if (!has_xsave()) return;
  const CpuidResult supported = cpuid(0xd);
  asm volatile("xsetbv"
               :
               : "c"(0), "a"(supported.eax & static_cast<std::uint32_t>(kKnown)), "d"(0));
}

void measure() {
  if (size != 0 || !has_xsave()) return;
  enabled = read_xcr0();
  has_xsaveopt = (cpuid(0xd, 1).eax & kCpuidXsaveopt) != 0;
  // The legacy part and the header, then each component where its leaf says.
  std::size_t end = kHeader + kHeaderSize;
  for (unsigned component = 2; component < 63; ++component) {
    if ((enabled >> component & 1) == 0) continue;
    const CpuidResult place = cpuid(0xd, component);
    end = std::max<std::size_t>(end, std::size_t{place.eax} + place.ebx);
  }
  ASSERT(end <= sizeof initial);
  size = end;
  set_initial(initial);
}

std::size_t area_size() { return size; }
std::uint64_t components() { return enabled; }

void* allocate() {
  if (size == 0) return nullptr;
  void* area = heap_allocate(size, 64);
  // XSAVE leaves the header's reserved bytes as they are, and XRSTOR wants zeros there.
  if (area != nullptr) std::memset(static_cast<std::byte*>(area) + kHeader, 0, kHeaderSize);
  return area;
}

void free(void* area) { heap_free(area); }

void set_initial(void* area) {
  std::memset(area, 0, size);
  put<std::uint16_t>(area, kControlWord, 0x37f);
  put<std::uint32_t>(area, kMxcsr, 0x1f80);
  // x87 and SSE are in the area; what is not is loaded with its initial state.
  put<std::uint64_t>(area, kHeader, 3);
}

void save(void* area) { asm volatile("xsave64 (%0)" : : "r"(area), ALL_COMPONENTS : "memory"); }

void load_initial() { load(initial); }

bool save_to_application(std::uint64_t area) {
  // The reserved bytes of the header: XSAVE leaves them, XRSTOR wants zeros.
  if (clear_application(area + kHeader, kHeaderSize) != kHeaderSize) return false;
  return application_save_vectors(reinterpret_cast<void*>(area));
}

bool load_from_application(std::uint64_t area) {
  if (application_load_vectors(reinterpret_cast<const void*>(area))) return true;
  load_initial();
  return false;
}

bool load_legacy_from_application(std::uint64_t area) {
  load_initial();
  if (application_load_legacy_vectors(reinterpret_cast<const void*>(area))) return true;
  load_initial();
  return false;
}

}  // namespace plumbline::vector_state
