#include "linux/proc/proc.hh"

#include <new>

#include "fs/root.hh"
#include "linux/proc/process_directory.hh"
#include "linux/proc/pseudo_tree.hh"
#include "linux/proc/system_files.hh"

namespace plumbline::linux_abi {
namespace {

constexpr std::uint64_t kProcMagic = 0x9fa0, kSysfsMagic = 0x6265'6572;
constexpr std::uint64_t kRootInode = 1, kSelfInode = 2, kThreadSelfInode = 3;

// /proc/self and /proc/thread-self: who reads them.
class SelfLink final : public PseudoLink {
 public:
  SelfLink(FileSystem& file_system, bool thread)
      : PseudoLink(file_system, thread ? kThreadSelfInode : kSelfInode), thread_(thread) {}
  Status target(TextBuffer& text) override {
    const Task* task = current_task_or_null();
    if (task == nullptr) return Errno::kENOENT;
    text.print("%u", task->process->id);
    if (thread_) text.print("/task/%u", task->id);
    return {};
  }

 private:
  const bool thread_;
};

// The root of /proc: the system's files, self, and a directory for each process.
class ProcRoot final : public PseudoDirectory {
 public:
  explicit ProcRoot(const PseudoTree& tree)
      : PseudoDirectory(tree.file_system(), kRootInode), tree_(tree) {}

  Result<Ref<Vnode>> find(std::string_view name) override {
    if (name == "self") return make_vnode<SelfLink>(file_system(), false);
    if (name == "thread-self") return make_vnode<SelfLink>(file_system(), true);
    if (const Result<std::uint32_t> id = parse_entry_number(name); id)
      return make_process_directory(file_system(), *id);
    return tree_.find({}, name);
  }

  Status list(DirectorySink& sink, std::uint64_t& position) override {
    if (position == kFirstListed) {
      if (!sink.add("self", kSelfInode, kModeSymbolicLink, position + 1)) return {};
      ++position;
    }
    if (position == kFirstListed + 1) {
      if (!sink.add("thread-self", kThreadSelfInode, kModeSymbolicLink, position + 1)) return {};
      ++position;
    }
    const std::uint64_t processes = tree_.end(kFirstTreeEntry);
    if (position < processes) tree_.list({}, sink, position, kFirstTreeEntry);
    if (position < processes) return {};
    ProcessId after = static_cast<ProcessId>(position - processes);
    while (Ref<Process> process = next_process(after)) {
      after = process->id;
      if (!sink.add(EntryName(after).text(), static_cast<std::uint64_t>(after) << 16,
                    kModeDirectory, processes + after))
        return {};
      position = processes + after;
    }
    return {};
  }

 private:
  static constexpr std::uint64_t kFirstTreeEntry = kFirstListed + 2;
  const PseudoTree& tree_;
};

// What is mounted stays for ever.
template <typename Root, typename... Arguments>
Status mount_tree(const char* path, const char* type, std::uint64_t magic,
                  std::span<const TreeEntry> entries, Arguments... arguments) {
  auto* file_system = new (std::nothrow) PseudoFileSystem(type, magic);
  if (file_system == nullptr) return Errno::kENOMEM;
  auto* tree = new (std::nothrow) PseudoTree(*file_system, entries);
  if (tree == nullptr) return Errno::kENOMEM;
  Result<Ref<Vnode>> root = make_vnode<Root>(*tree, arguments...);
  if (!root) return root.error();
  return mount_at(path, std::move(*root));
}

}  // namespace

Status mount_proc_and_sys() {
  if (Status status = mount_tree<ProcRoot>("/proc", "proc", kProcMagic, system_files()); !status)
    return status;
  return mount_tree<TreeDirectory>("/sys", "sysfs", kSysfsMagic, sysfs_files(), std::string_view(),
                                   kRootInode);
}

}  // namespace plumbline::linux_abi
