// run=program: the program that the image names becomes the first process.
#include <cstring>
#include <new>

#include "core/init_calls.hh"
#include "core/log.hh"
#include "core/panic.hh"
#include "fs/cpio/archive.hh"
#include "fs/descriptor_table.hh"
#include "fs/open.hh"
#include "fs/root.hh"
#include "fs/vnode.hh"
#include "linux/call.hh"
#include "linux/loader/execute.hh"
#include "linux/loader/program_description.hh"
#include "linux/proc/proc.hh"
#include "linux/process_table.hh"
#include "linux/signal/signals.hh"
#include "linux/system/limits.hh"
#include "linux/task.hh"
#include "linux/terminals/pts.hh"
#include "linux/threads/start_task.hh"
#include "platform/pvh.hh"

namespace plumbline::linux_abi {
namespace {

// What a shell returns for a program that it does not find, or cannot execute.
constexpr int kNotFound = 127, kNotExecutable = 126;
constexpr std::string_view kStandardPath =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

[[noreturn]] void give_up(ExitCode code) { power_off(code); }

void unpack_image() {
  const std::span<const std::span<std::byte>> modules = boot_modules();
  if (modules.empty()) {
    log_error(
        "run=program needs an image with the program's files: give the guest one as a boot "
        "module (QEMU: -initrd)");
    give_up(ExitCode::kBadOption);
  }
  if (!make_root()) panic("no memory for the root directory");
  for (std::size_t i = 0; i < modules.size(); ++i) {
    UnpackResult result;
    const Nanoseconds begin = monotonic_now();
    const Status status = unpack_archive(modules[i], root_vnode(), result);
    if (status) {
      log_info("boot module %zu: %zu files, %zu KiB in place, %zu KiB copied, %lu us", i,
               result.files, result.lent_bytes / kKiB, result.copied_bytes / kKiB,
               (monotonic_now() - begin).count / 1000);
      continue;
    }
    log_error("boot module %zu of %zu bytes cannot be unpacked: %s at byte %zu (error %d)", i,
              modules[i].size(), result.error, result.error_offset,
              static_cast<int>(status.error()));
    give_up(ExitCode::kBadOption);
  }
  if (!mount_proc_and_sys()) panic("no memory for /proc and /sys");
  if (!mount_pts()) panic("no memory for /dev/pts");
}

void read_description(ProgramDescription& program) {
  Result<Ref<File>> file = open_path(kProgramDescriptionPath);
  if (!file) {
    log_error("the image has no %s, which says what to run", kProgramDescriptionPath);
    give_up(ExitCode::kBadOption);
  }
  const Result<std::uint64_t> size = (*file)->end();
  if (!size || *size > kLongestProgramDescription) {
    log_error("%s: larger than %zu bytes", kProgramDescriptionPath, kLongestProgramDescription);
    give_up(ExitCode::kBadOption);
  }
  const auto length = static_cast<std::size_t>(*size);
  auto* text = new char[length + 1];
  LoadError error{Errno::kEIO, "it cannot be read"};
  if (read_exactly(**file, text, length, 0))
    error = parse_program_description({text, length}, program);
  delete[] text;
  if (error) {
    log_error("%s: %s", kProgramDescriptionPath, error.reason);
    give_up(ExitCode::kBadOption);
  }
}

// Finds the program as execvp does; fills the request's path and vnode.
Status look_up(const ProgramDescription& program, const Ref<Vnode>& directory,
               ExecuteRequest& request) {
  const std::string_view name = program.arguments.first();
  const auto try_path = [&](std::string_view folder) -> Status {
    const std::size_t length = folder.size() + (folder.empty() ? 0 : 1) + name.size();
    if (length >= sizeof request.path) return Errno::kENAMETOOLONG;
    char* to = request.path;
    if (!folder.empty()) {
      std::memcpy(to, folder.data(), folder.size());
      to += folder.size();
      *to++ = '/';
    }
    std::memcpy(to, name.data(), name.size());
    to[name.size()] = '\0';
    Result<Ref<Vnode>> vnode = find_vnode(directory, {request.path, length}, true);
    if (!vnode) return vnode.error();
    if ((*vnode)->type() != kModeRegular) return Errno::kEACCES;
    if (const Status status = check_permission(**vnode, {}, kMayExecute); !status) return status;
    request.vnode = *vnode;
    return {};
  };
  if (name.find('/') != std::string_view::npos) return try_path({});
  std::string_view path = find_variable(program.environment, "PATH");
  if (path.empty()) path = kStandardPath;
  Status result = Errno::kENOENT;
  while (!path.empty()) {
    const std::size_t end = path.find(':');
    const std::string_view folder = path.substr(0, end);
    path = end == std::string_view::npos ? std::string_view() : path.substr(end + 1);
    const Status status = try_path(folder.empty() ? std::string_view(".") : folder);
    if (status) return {};
    // One that may not be executed is worth telling, should there be no other.
    if (status.error() == Errno::kEACCES) result = status;
  }
  return result;
}

Status move_strings(const StringList& from, StringList& to) {
  const char* at = from.data();
  for (std::size_t i = 0; i < from.count(); ++i) {
    const std::string_view text(at);
    if (const Status status = to.add(text); !status) return status;
    at += text.size() + 1;
  }
  return {};
}

void open_console(Process& process) {
  Result<Ref<File>> console = open_path("/dev/console", kOpenReadWrite);
  if (!console) {
    log_error("/dev/console cannot be opened (error %d)", static_cast<int>(console.error()));
    give_up(ExitCode::kPanic);
  }
  for (int i = 0; i < 3; ++i) {
    if (!process.descriptors->add(*console, false)) panic("no memory for the first descriptors");
  }
}

Ref<Process> make_first_process(const ProgramDescription& program) {
  auto process = Ref<Process>::adopt(new Process);
  process->id = process->group = process->session = allocate_task_id();
  process->descriptors = Ref<DescriptorTable>::adopt(new DescriptorTable(process->id));
  process->memory = Ref<ProgramMemory>::adopt(new ProgramMemory);
  process->owner.store(process->memory->owner, std::memory_order_relaxed);
  set_initial_limits(*process);
  const std::string_view directory = program.directory.first();
  Result<Ref<Vnode>> vnode = find_vnode(root_vnode(), directory, true);
  if (!vnode || !(*vnode)->is_directory()) {
    log_error("the working directory %s is not in the image", program.directory.data());
    give_up(ExitCode::kBadOption);
  }
  process->working_directory = *vnode;
  open_console(*process);
  return process;
}

[[noreturn]] void report_exit(int wait_status) {
  const int signal = wait_status & 0x7f;
  if (signal != 0) {
    log_info("program: killed by signal %d (%s)", signal,
             signal_name(static_cast<unsigned>(signal)));
  } else {
    log_info("program: exit status %d", wait_status >> 8 & 0xff);
  }
  power_off(ExitCode::kOk);
}

[[noreturn]] void report_failure(const char* path, const ExecuteRequest& request, Errno error) {
  const bool blamed = request.file.blamed[0] != '\0';
  log_error("program: %s cannot be started: %s%s%s (error %d)", path,
            blamed ? request.file.blamed : describe_load_error(error), blamed ? ": " : "",
            blamed ? request.file.reason : "", static_cast<int>(error));
  report_exit((error == Errno::kENOENT ? kNotFound : kNotExecutable) << 8);
}

ProgramDescription* description;

// The first program's thread.
Result<ApplicationRegisters> load_first_program(ExecuteRequest& request) {
  Process& process = current_process();
  Status status = look_up(*description, process.working_directory, request);
  if (!status) report_failure(description->arguments.data(), request, status.error());
  status = move_strings(description->arguments, request.arguments);
  if (status) status = move_strings(description->environment, request.environment);
  if (!status) return status.error();
  return execute(request);
}

void start_first_program(void*) {
  ApplicationRegisters registers;
  {
    auto* request = new ExecuteRequest;
    const Result<ApplicationRegisters> loaded = load_first_program(*request);
    if (!loaded) report_failure(request->path, *request, loaded.error());
    registers = *loaded;
    delete request;
  }
  enter_application(registers);
}

void run_program() {
  unpack_image();
  ProgramDescription program;
  read_description(program);
  description = &program;
  initialise_calls();

  Ref<Process> process = make_first_process(program);
  insert_process(*process, nullptr);
  auto* task = new Task;
  task->id = process->id;
  task->process = process;
  if (!create_task_thread(*task, start_first_program, nullptr) || !start_task(*task))
    panic("no memory for the first program's thread");
  process->changed.wait_until([&] {
    const LockGuard guard(process_table_lock());
    return process->zombie;
  });
  report_exit(process->exit_status);
}

APPLICATION("program", run_program);

}  // namespace
}  // namespace plumbline::linux_abi
