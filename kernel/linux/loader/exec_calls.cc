// execve and execveat.
#include <new>

#include "fs/vnode.hh"
#include "linux/call.hh"
#include "linux/loader/execute.hh"
#include "linux/task.hh"
#include "memory/application_memory.hh"

namespace plumbline::linux_abi {
namespace {

constexpr int kCurrentDirectory = -100;
constexpr unsigned kNoFollow = 0x100, kEmptyPath = 0x1000;
// One string (Linux: MAX_ARG_STRLEN), and all together before the exact limit is known.
constexpr std::size_t kLongestString = 128 * 1024, kMost = 4 * 1024 * 1024;

Status copy_string(StringList& list, std::uint64_t address) {
  // Most are short; a long one is copied again with more room.
  for (std::size_t room = 256;; room *= 8) {
    if (room > kLongestString) room = kLongestString;
    char* to = list.reserve(room - 1);
    if (to == nullptr) return Errno::kENOMEM;
    const Result<std::size_t> length = copy_string_from_application({to, room}, address);
    if (length) {
      list.commit(*length);
      return {};
    }
    if (length.error() != Errno::kENAMETOOLONG) return length.error();
    if (room == kLongestString) return Errno::kE2BIG;
  }
}

Status copy_strings(StringList& list, std::uint64_t pointers) {
  if (pointers == 0) return {};
  for (;; pointers += 8) {
    const Result<std::uint64_t> pointer = load_application<std::uint64_t>(pointers);
    if (!pointer) return pointer.error();
    if (*pointer == 0) return {};
    if (const Status status = copy_string(list, *pointer); !status) return status;
    if (list.size() > kMost || list.count() > kMost / 8) return Errno::kE2BIG;
  }
}

Result<Ref<Vnode>> find(ExecuteRequest& request, int base_descriptor, unsigned flags) {
  Process& process = current_process();
  Ref<Vnode> base;
  if (base_descriptor == kCurrentDirectory || request.path[0] == '/') {
    const LockGuard guard(process.fs_lock);
    base = process.working_directory;
  } else {
    Result<Ref<File>> file = process.descriptors->get(base_descriptor);
    if (!file) return file.error();
    base = Ref<Vnode>::share((*file)->vnode());
    if (!base) return Errno::kENOTDIR;
  }
  if (request.path[0] == '\0') {
    if ((flags & kEmptyPath) == 0) return Errno::kENOENT;
    return base;
  }
  Result<Ref<Vnode>> vnode =
      find_vnode(base, request.path, (flags & kNoFollow) == 0, {process.user, process.group_id});
  if (vnode && (*vnode)->type() == kModeSymbolicLink) return Errno::kELOOP;
  return vnode;
}

// On success the request's memory is gone and the registers are those of the new program.
Result<ApplicationRegisters> prepare(int base, std::uint64_t path, std::uint64_t arguments,
                                     std::uint64_t environment, unsigned flags) {
  auto* request = new (std::nothrow) ExecuteRequest;
  if (request == nullptr) return Errno::kENOMEM;
  struct Owner {
    ExecuteRequest* request;
    ~Owner() { delete request; }
  } owner{request};
  if (const auto length = copy_string_from_application(request->path, path); !length)
    return length.error();
  Result<Ref<Vnode>> vnode = find(*request, base, flags);
  if (!vnode) return vnode.error();
  request->vnode = *vnode;
  if (const Status status = copy_strings(request->arguments, arguments); !status)
    return status.error();
  // A program expects its name there (Linux gives it an empty one).
  if (request->arguments.count() == 0) {
    if (const Status status = request->arguments.add(""); !status) return status.error();
  }
  if (const Status status = copy_strings(request->environment, environment); !status)
    return status.error();
  return execute(*request);
}

Status run(int base, std::uint64_t path, std::uint64_t arguments, std::uint64_t environment,
           unsigned flags) {
  ApplicationRegisters registers;
  {
    // In a scope of its own: nothing on this stack is destroyed once the program runs.
    const Result<ApplicationRegisters> prepared =
        prepare(base, path, arguments, environment, flags);
    if (!prepared) return prepared.error();
    registers = *prepared;
  }
  enter_application(registers);
}

Status call_execve(std::uint64_t path, std::uint64_t arguments, std::uint64_t environment) {
  return run(kCurrentDirectory, path, arguments, environment, 0);
}

Status call_execveat(int base, std::uint64_t path, std::uint64_t arguments,
                     std::uint64_t environment, unsigned flags) {
  if ((flags & ~(kNoFollow | kEmptyPath)) != 0) return Errno::kEINVAL;
  return run(base, path, arguments, environment, flags);
}

LINUX_CALL_WITH_REGISTERS(59, execve, call_execve);
LINUX_CALL_WITH_REGISTERS(322, execveat, call_execveat);

}  // namespace
}  // namespace plumbline::linux_abi
