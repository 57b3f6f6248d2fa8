#include "linux/signal/frame.hh"

#include "arch/x86_64/vector_state.hh"
#include "core/per_cpu.hh"
#include "core/units.hh"
#include "linux/entry/stub_addresses.hh"
#include "linux/signal/frame_layout.hh"
#include "linux/signal/signal_numbers.hh"
#include "linux/signal/signals.hh"
#include "linux/task.hh"
#include "memory/application_memory.hh"

namespace plumbline::linux_abi {
namespace {

constexpr std::uint64_t kRedZone = 128;
constexpr std::uint64_t kVectorAlignment = 64;
// What programs in Linux run with; ours do not depend on it.
constexpr std::uint16_t kProgramCode = 0x33, kProgramData = 0x2b;

constexpr std::uint64_t kCarry = 1, kParity = 4, kAdjust = 0x10, kZero = 0x40, kSign = 0x80,
                        kTrap = 0x100, kDirection = 0x400, kOverflow = 0x800, kResume = 0x10000,
                        kAlignmentCheck = 0x40000;
// What a frame may change. A handler starts without direction, trap and resume.
constexpr std::uint64_t kProgramFlags = kCarry | kParity | kAdjust | kZero | kSign | kTrap |
                                        kDirection | kOverflow | kResume | kAlignmentCheck;

bool is_on(const AlternateStack& stack, std::uint64_t address) {
  if ((static_cast<std::uint32_t>(stack.flags) & kStackAutoDisarm) != 0) return false;
  return address > stack.address && address - stack.address <= stack.size;
}

bool is_usable(const AlternateStack& stack) {
  return stack.size != 0 && (stack.flags & kStackDisabled) == 0;
}

struct Places {
  std::uint64_t vectors, frame;
};

// Where the parts go; kEFAULT when the alternate stack is too small.
Result<Places> choose_places(std::uint64_t stack_pointer, const SignalAction& action,
                             const AlternateStack& stack) {
  bool on_alternate = is_usable(stack) && is_on(stack, stack_pointer);
  std::uint64_t top = stack_pointer - kRedZone;
  if ((action.flags & kActionOnStack) != 0 && is_usable(stack) && !on_alternate) {
    top = stack.address + stack.size;
    on_alternate = true;
  }
  Places places;
  places.vectors =
      align_down(top - vector_state::area_size() - sizeof kSecondMagic, kVectorAlignment);
  // As after a call: the handler finds its return address on a stack that was aligned to 16.
  places.frame = align_down(places.vectors - sizeof(SignalFrame), 16) - 8;
  if (on_alternate && (places.frame <= stack.address || places.frame > top)) return Errno::kEFAULT;
  if (!is_application_range(places.frame, top - places.frame)) return Errno::kEFAULT;
  return places;
}

Status save_vectors(std::uint64_t to) {
  const std::size_t size = vector_state::area_size();
  if (!vector_state::save_to_application(to)) return Errno::kEFAULT;
  VectorStateNote note{};
  note.magic = kFirstMagic;
  note.extended_size = static_cast<std::uint32_t>(size + sizeof kSecondMagic);
  note.components = vector_state::components();
  note.size = static_cast<std::uint32_t>(size);
  const Status stored = store_application(to + kVectorStateNoteOffset, note);
  if (!stored) return stored;
  return store_application(to + size, kSecondMagic);
}

// An area with Linux's notes holds all components; without them it is FXSAVE's.
Status load_vectors(std::uint64_t from) {
  const std::size_t size = vector_state::area_size();
  if (from % kVectorAlignment != 0 || !is_application_range(from, size + sizeof kSecondMagic))
    return Errno::kEFAULT;
  const auto note = load_application<VectorStateNote>(from + kVectorStateNoteOffset);
  if (!note) return note.error();
  bool complete = note->magic == kFirstMagic && note->size == size &&
                  note->extended_size == size + sizeof kSecondMagic;
  if (complete) {
    const auto magic = load_application<std::uint32_t>(from + size);
    complete = magic && *magic == kSecondMagic;
  }
  const bool loaded = complete ? vector_state::load_from_application(from)
                               : vector_state::load_legacy_from_application(from);
  if (!loaded) return Errno::kEFAULT;
  return {};
}

void save_context(SignalContext& c, const ApplicationRegisters& r, SignalMask blocked) {
  c.r8 = r.r8;
  c.r9 = r.r9;
  c.r10 = r.r10;
  c.r11 = r.r11;
  c.r12 = r.r12;
  c.r13 = r.r13;
  c.r14 = r.r14;
  c.r15 = r.r15;
  c.rdi = r.rdi;
  c.rsi = r.rsi;
  c.rbp = r.rbp;
  c.rbx = r.rbx;
  c.rdx = r.rdx;
  c.rax = r.rax;
  c.rcx = r.rcx;
  c.rsp = r.rsp;
  c.rip = without_stub(r.rip);
  c.flags = r.rflags;
  c.cs = kProgramCode;
  c.ss = kProgramData;
  const ApplicationTrap& trap = current()->application.trap;
  c.error = trap.error;
  c.vector = trap.vector;
  c.fault_address = trap.address;
  c.old_mask = blocked;
}

void load_context(ApplicationRegisters& r, const SignalContext& c) {
  r.r8 = c.r8;
  r.r9 = c.r9;
  r.r10 = c.r10;
  r.r11 = c.r11;
  r.r12 = c.r12;
  r.r13 = c.r13;
  r.r14 = c.r14;
  r.r15 = c.r15;
  r.rdi = c.rdi;
  r.rsi = c.rsi;
  r.rbp = c.rbp;
  r.rbx = c.rbx;
  r.rdx = c.rdx;
  r.rax = c.rax;
  r.rcx = c.rcx;
  r.rsp = c.rsp;
  r.rip = with_stub(c.rip);
  r.rflags = (r.rflags & ~kProgramFlags) | (c.flags & kProgramFlags);
}

}  // namespace

Status enter_handler(ApplicationRegisters& registers, const SignalInformation& information,
                     const SignalAction& action) {
  Task& task = current_task();
  // Asked once for each frame, also for one that cannot be made.
  const SignalMask blocked = blocked_before_handler();
  AlternateStack& stack = task.alternate_stack;
  if ((action.flags & kActionRestorer) == 0 || action.handler >= kApplicationEnd)
    return Errno::kEFAULT;
  const auto places = choose_places(registers.rsp, action, stack);
  if (!places) return places.error();

  SignalFrame frame{};
  frame.restorer = action.restorer;
  UserContext& context = frame.context;
  context.flags = kContextHasVectors | kContextHasStackSegment | kContextStrictStackSegment;
  context.stack_address = stack.address;
  context.stack_flags = stack.flags;
  context.stack_size = stack.size;
  save_context(context.context, registers, blocked);
  context.context.vector_state = places->vectors;
  context.blocked = blocked;
  frame.information = information;
  if (const Status saved = save_vectors(places->vectors); !saved) return saved;
  if (const Status stored = store_application(places->frame, frame); !stored) return stored;

  vector_state::load_initial();
  registers.rdi = static_cast<std::uint64_t>(information.signal);
  registers.rsi = places->frame + offsetof(SignalFrame, information);
  registers.rdx = places->frame + offsetof(SignalFrame, context);
  registers.rax = 0;  // no vector registers are arguments, should the handler take any number
  registers.rip = action.handler;
  registers.rsp = places->frame;
  registers.rflags &= ~(kDirection | kTrap | kResume);
  if ((static_cast<std::uint32_t>(stack.flags) & kStackAutoDisarm) != 0) stack = AlternateStack{};
  SignalMask during = task.blocked | action.mask;
  if ((action.flags & kActionNoDefer) == 0)
    during |= signal_bit(static_cast<unsigned>(information.signal));
  set_blocked(during);
  return {};
}

Status leave_handler(ApplicationRegisters& registers) {
  // The handler's return took the restorer's address off the stack.
  const std::uint64_t at = registers.rsp - offsetof(SignalFrame, context);
  const auto context = load_application<UserContext>(at + offsetof(SignalFrame, context));
  if (!context) return context.error();
  const SignalContext& saved = context->context;
  // Beyond is the kernel, at whose privileges the program runs: nothing else would stop it.
  if (saved.rip >= kApplicationEnd || saved.rsp >= kApplicationEnd) return Errno::kEFAULT;
  if (saved.vector_state != 0) {
    if (const Status loaded = load_vectors(saved.vector_state); !loaded) return loaded;
  } else {
    vector_state::load_initial();
  }
  load_context(registers, saved);
  Task& task = current_task();
  // Linux refuses to change a stack in use in sigaltstack(2) alone; here it is put back.
  task.alternate_stack = {context->stack_address, context->stack_flags, context->stack_size};
  set_blocked(context->blocked);
  return {};
}

}  // namespace plumbline::linux_abi
