#include "arch/x86_64/application.hh"

#include <cstring>

#include "arch/x86_64/cpu.hh"
#include "arch/x86_64/interrupts.hh"
#include "arch/x86_64/program_tables.hh"
#include "arch/x86_64/trap_frame.hh"
#include "arch/x86_64/vector_state.hh"
#include "core/assert.hh"
#include "core/per_cpu.hh"

extern "C" {
extern const char application_syscall[];
[[noreturn]] void enter_application_frame(const plumbline::TrapFrame* frame);
}

namespace plumbline {
namespace {

constexpr std::uint64_t kInterruptFlag = 0x200;
// Trap, direction, nested task, alignment check: the kernel runs without them.
constexpr std::uint64_t kFlagsClearedByCall = 0x100 | 0x400 | 0x4000 | 0x40000;
// SYSCALL loads CS with this selector and SS with the next (SDM volume 2, SYSCALL).
constexpr std::uint64_t kCallSelector = std::uint64_t{0x10} << 32;

std::uint64_t kernel_stack_top() {
  std::uint64_t top;
  asm volatile("mov %%gs:%c1, %0" : "=r"(top) : "i"(offsetof(PerCpu, kernel_stack_top)));
  return top;
}

}  // namespace

void initialise_application_cpu() {
  write_msr(msr::kStar, kCallSelector);
  write_msr(msr::kLstar, reinterpret_cast<std::uint64_t>(application_syscall));
  write_msr(msr::kFmask, kFlagsClearedByCall);
  vector_state::initialise_cpu();
}

bool prepare_application_thread(ApplicationState& state) {
  ASSERT(state.vector_area == nullptr);
  vector_state::measure();
  void* area = vector_state::allocate();
  if (area == nullptr) return false;
  // The scheduler must not see the area of the running thread half made.
  const InterruptGuard masked;
  PerCpu& here = this_cpu();
  if (here.application->vector_area != nullptr) {
    vector_state::save(area);
  } else {
    vector_state::set_initial(area);
  }
  state.vector_area = area;
  if (&state == here.application) {
    vector_state::load(area);
    here.vector_owner = &state;
    state.vector_cpu = here.index;
    set_fs_base(0);
  }
  return true;
}

void release_application_thread(ApplicationState& state) {
  const InterruptGuard masked;
  if (state.vector_area != nullptr) vector_state::free(state.vector_area);
  state.vector_area = nullptr;
  state.vector_cpu = ApplicationState::kNoCpu;
}

void enter_application(const ApplicationRegisters& registers) {
  TrapFrame frame{};
  static_cast<ApplicationRegisters&>(frame) = registers;
  frame.rflags |= kInterruptFlag;
  unmask_interrupts();
  enter_application_frame(&frame);
}

TrapFrame& application_frame() {
  return *reinterpret_cast<TrapFrame*>(kernel_stack_top() - sizeof(TrapFrame));
}

ApplicationRegisters& call_registers() { return application_frame(); }

}  // namespace plumbline
