#include "linux/loader/execute.hh"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "arch/x86_64/cpu.hh"
#include "arch/x86_64/vector_state.hh"
#include "core/log.hh"
#include "core/units.hh"
#include "drivers/random/random.hh"
#include "fs/vnode.hh"
#include "linux/loader/initial_stack.hh"
#include "linux/loader/map_image.hh"
#include "linux/process_table.hh"
#include "linux/signal/signals.hh"
#include "linux/system/limits.hh"
#include "linux/task.hh"
#include "linux/threads/exit.hh"
#include "linux/threads/robust_list.hh"
#include "linux/vdso/vdso.hh"
#include "memory/application_memory.hh"

namespace plumbline::linux_abi {
namespace {

constexpr std::uint64_t kStackSize = 8 * kMiB;
// Addresses for stacks, of which every other stretch is used: 240 programs at a time.
constexpr std::uint64_t kStacks = 0xf000'0000;
// Where programs that may be moved begin, and how far apart: their heaps grow behind them. The
// first has the upper bits of its libraries, whose mappings come down from 0x7ffe'8000'0000: a jump
// to others costs more (arch/x86_64/near_image.h), and a program jumps into its libraries and back
// for every call.
constexpr std::uint64_t kFirstProgram = 0x7ff3'5555'0000, kProgramDistance = 64 * kGiB;
constexpr unsigned kProgramPlaces = 512;
constexpr int kSigkill = 9;

// An image in memory, not yet anybody's program. Its mappings go unless they are taken.
struct LoadedProgram {
  Ref<ProgramMemory> memory;
  std::uint64_t bias = 0, interpreter_bias = 0, vdso = 0;
  std::uint64_t entry = 0;  // of the interpreter, if there is one
  std::uint64_t stack_pointer = 0;
  InitialStack stack{};
};

std::uint64_t place_of_program(AddressOwner owner) {
  return kFirstProgram - (owner - 1) % kProgramPlaces * kProgramDistance;
}

Result<std::uint64_t> map_vdso(AddressOwner owner) {
  Result<Vdso> object = vdso();
  if (!object) return object.error();
  const Result<std::uint64_t> base =
      address_space::map({.owner = owner, .length = (*object).length, .reserve_only = true});
  if (!base) return base;
  const auto data = address_space::map({.owner = owner,
                                        .hint = *base,
                                        .length = Vdso::kImageOffset,
                                        .protection = kProtectRead,
                                        .maximum_protection = kProtectRead,
                                        .fixed = true,
                                        .object = (*object).object,
                                        .name = "[vvar]"});
  if (!data) return data;
  const auto code = address_space::map({.owner = owner,
                                        .hint = *base + Vdso::kImageOffset,
                                        .length = (*object).length - Vdso::kImageOffset,
                                        .protection = kProtectRead | kProtectExecute,
                                        .fixed = true,
                                        .object = (*object).object,
                                        .offset = Vdso::kImageOffset,
                                        .name = "[vdso]"});
  return code;
}

// What CPUID says of the processor (AT_HWCAP), and how large a signal frame is at most: asked once,
// it costs 4 us on kvm_pvm.
struct Processor {
  std::uint32_t features = cpuid(1).edx;
  std::uint32_t signal_frame = cpuid(0xd).ebx + 1024;
};
const Processor& processor() {
  static const Processor found;
  return found;
}

void fill_auxiliary(const ProgramFile& file, const LoadedProgram& loaded, const Process& process,
                    AuxiliaryVector& auxiliary) {
  const ElfImage& image = file.program.image;
  // HWCAP2_FSGSBASE: the instructions for FS and GS may be used.
  constexpr std::uint64_t kFsGsBase = 2;
  if (loaded.vdso != 0) auxiliary.add(Auxiliary::kVdso, loaded.vdso);
  auxiliary.add(Auxiliary::kSignalFrameSize, processor().signal_frame);
  auxiliary.add(Auxiliary::kCapabilities, processor().features);
  auxiliary.add(Auxiliary::kPageSize, kPageSize);
  auxiliary.add(Auxiliary::kClockTicks, 100);
  auxiliary.add(Auxiliary::kProgramHeaders,
                image.program_headers == 0 ? 0 : image.program_headers + loaded.bias);
  auxiliary.add(Auxiliary::kProgramHeaderSize, kElfHeaderEntrySize);
  auxiliary.add(Auxiliary::kProgramHeaderCount, image.program_header_count);
  auxiliary.add(Auxiliary::kBase,
                file.interpreter.file ? file.interpreter.image.begin + loaded.interpreter_bias : 0);
  auxiliary.add(Auxiliary::kFlags, 0);
  auxiliary.add(Auxiliary::kEntry, image.entry + loaded.bias);
  auxiliary.add(Auxiliary::kUser, process.identity.real_user);
  auxiliary.add(Auxiliary::kEffectiveUser, process.user);
  auxiliary.add(Auxiliary::kGroup, process.identity.real_group);
  auxiliary.add(Auxiliary::kEffectiveGroup, process.group_id);
  auxiliary.add(Auxiliary::kSecure, 0);
  auxiliary.add(Auxiliary::kCapabilities2, kFsGsBase);
}

// In the addresses above those that mmap gives out, with nothing below: a stack that runs over
// meets no neighbour.
Result<std::uint64_t> map_stack(AddressOwner owner) {
  for (std::uint64_t top = kApplicationEnd; top > kApplicationEnd - kStacks;
       top -= 2 * kStackSize) {
    const Result<std::uint64_t> base =
        address_space::map({.owner = owner,
                            .hint = top - kStackSize,
                            .length = kStackSize,
                            .protection = kProtectRead | kProtectWrite,
                            .fixed_noreplace = true,
                            .reserve_only = true,
                            .small_pages = true,
                            .name = "[stack]"});
    if (base || base.error() != Errno::kEEXIST) return base;
  }
  return Errno::kENOMEM;
}

Status make_stack(ExecuteRequest& request, const Process& process, LoadedProgram& loaded) {
  const Result<std::uint64_t> base = map_stack(loaded.memory->owner);
  if (!base) return base.error();
  AuxiliaryVector auxiliary;
  fill_auxiliary(request.file, loaded, process, auxiliary);
  InitialStackContent content{request.arguments, request.environment, request.path, {}, auxiliary};
  random_bytes(std::as_writable_bytes(std::span(content.random)));
  const std::size_t size = initial_stack_size(content);
  if (size > kStackSize / 2) return Errno::kE2BIG;
  auto* bytes = new (std::nothrow) std::byte[size];
  if (bytes == nullptr) return Errno::kENOMEM;
  const std::uint64_t top = *base + kStackSize;
  loaded.stack = build_initial_stack(content, {bytes, size}, top);
  // What lies below the argument count is not used.
  const std::size_t skipped = loaded.stack.stack_pointer - (top - size);
  const bool copied = copy_to_application(loaded.stack.stack_pointer, bytes + skipped,
                                          size - skipped) == size - skipped;
  delete[] bytes;
  if (!copied) return Errno::kENOMEM;
  return {};
}

Status load(ExecuteRequest& request, const Process& process, LoadedProgram& loaded) {
  const ProgramFile& file = request.file;
  const AddressOwner owner = loaded.memory->owner;
  const Result<std::uint64_t> bias =
      map_image(*file.program.file, file.program.image, owner, place_of_program(owner));
  if (!bias) return bias.error();
  loaded.bias = *bias;
  loaded.entry = file.program.image.entry + *bias;
  if (file.interpreter.file) {
    const Result<std::uint64_t> interpreter =
        map_image(*file.interpreter.file, file.interpreter.image, owner, 0);
    if (!interpreter) return interpreter.error();
    loaded.interpreter_bias = *interpreter;
    loaded.entry = file.interpreter.image.entry + *interpreter;
  }
  const Result<std::uint64_t> vdso_address = map_vdso(owner);
  if (!vdso_address) return vdso_address.error();
  loaded.vdso = *vdso_address;
  return make_stack(request, process, loaded);
}

// A program that cannot be moved gets low addresses of its own when its place is taken. The running
// thread goes on in its old program's addresses.
Status load_somewhere(ExecuteRequest& request, const Process& process, LoadedProgram& loaded) {
  const AddressOwner owner = loaded.memory->owner;
  address_space::enter_window(owner);
  Status status = load(request, process, loaded);
  if (status.error() == Errno::kEEXIST && !request.file.program.image.position_independent) {
    status = address_space::open_window(owner);
    if (status) {
      address_space::enter_window(owner);
      status = load(request, process, loaded);
    }
  }
  address_space::enter_window(process.memory_owner());
  return status;
}

// The argument strings as /proc/self/cmdline shows them, the auxiliary vector, the names.
void describe_program(ExecuteRequest& request, const LoadedProgram& loaded, Task& task) {
  Process& process = *task.process;
  std::string_view name(request.path);
  if (const std::size_t slash = name.rfind('/'); slash != std::string_view::npos)
    name.remove_prefix(slash + 1);
  const std::size_t length = std::min(name.size(), sizeof task.name - 1);
  std::memset(task.name, 0, sizeof task.name);
  std::memcpy(task.name, name.data(), length);

  const std::size_t auxiliary_length = loaded.stack.auxiliary_size;
  auto* auxiliary = new (std::nothrow) char[auxiliary_length];
  if (auxiliary != nullptr && copy_from_application(auxiliary, loaded.stack.auxiliary,
                                                    auxiliary_length) != auxiliary_length) {
    delete[] auxiliary;
    auxiliary = nullptr;
  }
  const std::size_t arguments_length = request.arguments.size();
  char* arguments = request.arguments.leak();
  const std::size_t environment_length = request.environment.size();
  char* environment = request.environment.leak();
  Ref<Vnode> executable = request.file.program.vnode;
  char path[sizeof process.executable_path];
  const Result<std::size_t> path_length = executable->path(path);
  {
    const LockGuard guard(process.fs_lock);
    std::swap(process.executable, executable);
    std::memset(process.executable_path, 0, sizeof process.executable_path);
    if (path_length)
      std::memcpy(process.executable_path, path, std::min(*path_length, sizeof path - 1));
    std::swap(process.arguments, arguments);
    process.arguments_length = process.arguments == nullptr ? 0 : arguments_length;
    std::swap(process.environment, environment);
    process.environment_length = process.environment == nullptr ? 0 : environment_length;
    std::swap(process.auxiliary_vector, auxiliary);
    process.auxiliary_length = process.auxiliary_vector == nullptr ? 0 : auxiliary_length;
  }
  delete[] arguments;
  delete[] environment;
  delete[] auxiliary;
}

// The old program's memory and what pointed into it goes.
void let_go_of_memory(Task& task, Ref<ProgramMemory> memory) {
  Process& process = *task.process;
  // Threads of the process that still shares the memory may wait for these.
  release_robust_futexes(task);
  task.clear_id_address = 0;
  address_space::enter_window(memory->owner);
  process.owner.store(memory->owner, std::memory_order_relaxed);
  std::swap(process.memory, memory);
  memory = nullptr;
  process.borrows_parent.store(false, std::memory_order_release);
  process.changed.wake_all();
}

// The only task left has the number of its process.
void become_first_task(Task& task) {
  if (task.id == task.process->id) return;
  const LockGuard guard(process_table_lock());
  renumber_task_locked(task, task.process->id);
}

// kENOMEM: somebody shares the descriptors, and memory for a copy is short.
Status own_descriptors(Process& process) {
  if (process.descriptors->reference_count() == 1) return {};
  Result<Ref<DescriptorTable>> copy = process.descriptors->copy(process.id);
  if (!copy) return copy.error();
  Ref<DescriptorTable> old = *copy;
  const LockGuard guard(process_table_lock());
  std::swap(process.descriptors, old);
  return {};
}

std::size_t argument_limit(const Process& process) {
  // A quarter of the stack, but 128 KiB at least (execve(2)).
  const std::uint64_t stack = std::min(process.limits[kLimitStack].current, kStackSize);
  return std::max(stack / 4, 128 * kKiB);
}

}  // namespace

Result<ApplicationRegisters> execute(ExecuteRequest& request) {
  Task& task = current_task();
  Process& process = *task.process;
  const std::size_t strings = request.arguments.size() + request.environment.size() +
                              8 * (request.arguments.count() + request.environment.count());
  if (strings > argument_limit(process)) return Errno::kE2BIG;
  Ref<Vnode> directory;
  {
    const LockGuard guard(process.fs_lock);
    directory = process.working_directory;
  }
  const Credentials who{process.user, process.group_id};
  if (const Status status = find_program(request.vnode, request.path, directory, who,
                                         request.arguments, request.file);
      !status)
    return status.error();

  LoadedProgram loaded;
  loaded.memory = Ref<ProgramMemory>::adopt(new (std::nothrow) ProgramMemory);
  if (!loaded.memory) return Errno::kENOMEM;
  if (const Status status = load_somewhere(request, process, loaded); !status)
    return status.error();
  if (const Status owned = own_descriptors(process); !owned) return owned.error();
  if (!end_other_tasks()) return Errno::kRestart;
  let_go_of_memory(task, loaded.memory);

  become_first_task(task);
  reset_signals_for_exec(task);
  reset_attributes_for_exec(process);
  process.descriptors->close_marked();
  describe_program(request, loaded, task);
  process.break_begin = process.break_end =
      align_up(request.file.program.image.end + loaded.bias, kPageSize);
  {
    const LockGuard guard(process_table_lock());
    process.has_executed = true;
  }
  set_fs_base(0);
  vector_state::load_initial();

  ApplicationRegisters registers{};
  registers.rip = loaded.entry;
  registers.rsp = loaded.stack.stack_pointer;
  registers.rflags = 0x202;  // interrupts on, and the bit that is always set
  return registers;
}

}  // namespace plumbline::linux_abi
