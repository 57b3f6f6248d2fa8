#include "linux/proc/process_directory.hh"

#include <algorithm>
#include <array>
#include <new>

#include "core/format.hh"
#include "fs/file_system.hh"
#include "linux/proc/descriptor_directory.hh"
#include "linux/proc/process_files.hh"

namespace plumbline::linux_abi {
namespace {

// Inodes: the number of the process or task, and below that what it is.
std::uint64_t inode_of(const Subject& subject, std::uint64_t entry) {
  const std::uint32_t id = subject.whole ? subject.process->id : subject.task->id;
  return static_cast<std::uint64_t>(id) << 16 | entry | (subject.whole ? 0 : 0x4000);
}

class ProcessText final : public PseudoText {
 public:
  ProcessText(FileSystem& file_system, const Subject& subject, const ProcessFile& file,
              std::uint64_t inode)
      : PseudoText(file_system, file.permissions, inode), subject_(subject), file_(file) {}
  Status generate(TextBuffer& text) override { return file_.generate(subject_, text); }
  Status store(std::string_view text) override {
    return file_.store != nullptr ? file_.store(subject_, text) : Errno::kEINVAL;
  }

 private:
  const Subject subject_;
  const ProcessFile& file_;
};

class ProcessLinkNode final : public PseudoLink {
 public:
  ProcessLinkNode(FileSystem& file_system, const Subject& subject, const ProcessLink& link,
                  std::uint64_t inode)
      : PseudoLink(file_system, inode), subject_(subject), link_(link) {}
  Status target(TextBuffer& text) override {
    const Ref<Vnode> vnode = link_.target(subject_);
    if (!vnode) return Errno::kENOENT;
    std::array<char, 1024> path;
    const Result<std::size_t> length = vnode->path(path);
    if (!length) return length.error();
    text.append({path.data(), *length});
    return {};
  }
  Result<Ref<Vnode>> magic_target() override {
    Ref<Vnode> vnode = link_.target(subject_);
    if (!vnode) return Errno::kENOENT;
    return vnode;
  }

 private:
  const Subject subject_;
  const ProcessLink& link_;
};

Result<Ref<Vnode>> make_subject_directory(FileSystem& file_system, Subject subject);

// /proc/PID/task
class TaskDirectory final : public PseudoDirectory {
 public:
  TaskDirectory(FileSystem& file_system, const Subject& subject, std::uint64_t inode)
      : PseudoDirectory(file_system, inode), subject_(subject) {}

  Result<Ref<Vnode>> find(std::string_view name) override {
    const Result<std::uint32_t> id = parse_entry_number(name);
    if (!id) return id.error();
    Ref<Task> task = find_task(*id);
    if (!task || task->process.get() != subject_.process.get()) return Errno::kENOENT;
    return make_subject_directory(file_system(), {subject_.process, std::move(task), false});
  }

  Status list(DirectorySink& sink, std::uint64_t& position) override {
    // Positions are numbers of tasks, and the numbers of the two entries above them.
    TaskId after = static_cast<TaskId>(position - kFirstListed);
    while (Ref<Task> task = next_task(*subject_.process, after)) {
      after = task->id;
      if (!sink.add(EntryName(after).text(), static_cast<std::uint64_t>(after) << 16,
                    kModeDirectory, kFirstListed + after))
        return {};
      position = kFirstListed + after;
    }
    return {};
  }

 private:
  const Subject subject_;
};

// /proc/PID and /proc/PID/task/TID: files, links, and three directories.
class SubjectDirectory final : public PseudoDirectory {
 public:
  SubjectDirectory(FileSystem& file_system, Subject subject, std::uint64_t inode)
      : PseudoDirectory(file_system, inode), subject_(std::move(subject)) {}

  Result<Ref<Vnode>> find(std::string_view name) override {
    const auto files = process_files();
    for (std::size_t i = 0; i < files.size(); ++i) {
      if (files[i].name == name)
        return make_vnode<ProcessText>(file_system(), subject_, files[i],
                                       inode_of(subject_, i + 1));
    }
    const auto links = process_links();
    for (std::size_t i = 0; i < links.size(); ++i) {
      if (links[i].name == name)
        return make_vnode<ProcessLinkNode>(file_system(), subject_, links[i],
                                           inode_of(subject_, kLinks + i));
    }
    return find_directory(name);
  }

  Status list(DirectorySink& sink, std::uint64_t& position) override {
    std::uint64_t at = kFirstListed;
    const auto add = [&](std::string_view name, std::uint64_t entry, std::uint32_t type) {
      if (at++ < position) return true;
      if (!sink.add(name, inode_of(subject_, entry), type, at)) return false;
      position = at;
      return true;
    };
    for (const std::string_view name : directories()) {
      if (!add(name, kDirectories + static_cast<std::uint64_t>(name[0]), kModeDirectory)) return {};
    }
    const auto files = process_files();
    for (std::size_t i = 0; i < files.size(); ++i) {
      if (!add(files[i].name, i + 1, kModeRegular)) return {};
    }
    const auto links = process_links();
    for (std::size_t i = 0; i < links.size(); ++i) {
      if (!add(links[i].name, kLinks + i, kModeSymbolicLink)) return {};
    }
    return {};
  }

 private:
  static constexpr std::uint64_t kLinks = 0x100, kDirectories = 0x200;
  static constexpr std::array<std::string_view, 3> kNames = {"fd", "fdinfo", "task"};

  // A task has no tasks.
  std::span<const std::string_view> directories() const {
    return std::span(kNames).first(subject_.whole ? 3 : 2);
  }

  Result<Ref<Vnode>> find_directory(std::string_view name) {
    if (name == "fd")
      return make_descriptor_directory(file_system(), subject_.process, DescriptorView::kLinks,
                                       inode_of(subject_, kDirectories + 'f'));
    if (name == "fdinfo")
      return make_descriptor_directory(file_system(), subject_.process,
                                       DescriptorView::kInformation,
                                       inode_of(subject_, kDirectories + 1 + 'f'));
    if (name == "task" && subject_.whole)
      return make_vnode<TaskDirectory>(file_system(), subject_,
                                       inode_of(subject_, kDirectories + 't'));
    return Errno::kENOENT;
  }

  const Subject subject_;
};

Result<Ref<Vnode>> make_subject_directory(FileSystem& file_system, Subject subject) {
  const std::uint64_t inode = inode_of(subject, 0);
  return make_vnode<SubjectDirectory>(file_system, std::move(subject), inode);
}

}  // namespace

Result<Ref<Vnode>> make_process_directory(FileSystem& file_system, ProcessId id) {
  Ref<Process> process = find_process(id);
  if (!process) {
    // A task's number leads to its process, though it is not listed.
    const Ref<Task> task = find_task(id);
    if (!task) return Errno::kENOENT;
    process = task->process;
  }
  Ref<Task> first = find_task(process->id);
  if (!first) first = next_task(*process, 0);
  return make_subject_directory(file_system, {std::move(process), std::move(first), true});
}

Result<std::uint32_t> parse_entry_number(std::string_view name) {
  if (name.empty() || name.size() > 9 || (name.size() > 1 && name.front() == '0'))
    return Errno::kENOENT;
  std::uint32_t number = 0;
  for (const char digit : name) {
    if (digit < '0' || digit > '9') return Errno::kENOENT;
    number = number * 10 + static_cast<std::uint32_t>(digit - '0');
  }
  return number;
}

EntryName::EntryName(std::uint32_t number) : length(format_text(digits, "%u", number)) {}

}  // namespace plumbline::linux_abi
