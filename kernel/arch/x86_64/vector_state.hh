// The vector registers of programs. The kernel itself uses none, so they stay where they are until
// another program's thread gets the CPU.
#pragma once

#include <cstddef>
#include <cstdint>

namespace plumbline::vector_state {

// Chooses the state components (XCR0) of the running CPU.
void initialise_cpu();
// Asks the CPU for what follows; once, before the first program, since it costs 30 us on kvm_pvm.
void measure();

// Bytes of an area in XSAVE's standard format (SDM volume 1, 13.4), 64-byte aligned; 0: the CPU has
// no XSAVE and can run no programs.
std::size_t area_size();
// The components, as XCR0 numbers them.
std::uint64_t components();

// Null when memory is short or the CPU has no XSAVE.
void* allocate();
void free(void* area);
// The state that a new program starts with (psABI 3.4.1: MXCSR 0x1f80, x87 control word 0x37f).
void set_initial(void* area);

// measure() has found XSAVEOPT.
extern bool has_xsaveopt;

// Registers to `area`, all components.
void save(void* area);
// The same for `area` from which, or to which, this CPU loaded or saved the registers last: parts
// that have not changed may be left out.
[[gnu::always_inline]] inline void save_for_switch(void* area) {
  if (has_xsaveopt) {
    asm volatile("xsaveopt64 (%0)" : : "r"(area), "a"(~0u), "d"(~0u) : "memory");
  } else {
    save(area);
  }
}
// `area`, which save, save_for_switch or set_initial has filled, to registers.
[[gnu::always_inline]] inline void load(const void* area) {
  asm volatile("xrstor64 (%0)" : : "r"(area), "a"(~0u), "d"(~0u) : "memory");
}
// The state that a new program starts with to registers.
void load_initial();

// Registers to a program's memory, `area` checked to lie there and 64-byte aligned. False: bad
// address. Both may sleep.
bool save_to_application(std::uint64_t area);
// The other way; false also for an area that the CPU does not accept. Then the registers have
// their initial state.
bool load_from_application(std::uint64_t area);
// The same for the 512 bytes of FXSAVE alone; everything else gets its initial state.
bool load_legacy_from_application(std::uint64_t area);

}  // namespace plumbline::vector_state
