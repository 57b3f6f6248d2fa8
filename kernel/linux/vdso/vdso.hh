// The vDSO (vdso(7)): a shared object that every program gets, with the calls for the time.
#pragma once

#include <cstdint>

#include "core/reference.hh"
#include "core/result.hh"
#include "memory/memory_object.hh"

namespace plumbline::linux_abi {

// One object for all programs: a page of constants, to be mapped readable ("[vvar]"), and directly
// behind it the ELF image, readable and executable ("[vdso]"), whose address is AT_SYSINFO_EHDR.
struct Vdso {
  static constexpr std::uint64_t kImageOffset = 4096;
  Ref<MemoryObject> object;
  std::uint64_t length = 0;  // of both, whole pages
};

// Made when first asked for, because the wall clock is then read. kENOMEM.
Result<Vdso> vdso();

}  // namespace plumbline::linux_abi
