#include "linux/proc/descriptor_directory.hh"

#include <array>

#include "fs/vnode_files.hh"
#include "linux/proc/process_directory.hh"
#include "sync/lock_guard.hh"

namespace plumbline::linux_abi {
namespace {

// The process's descriptors; none once it has ended.
Ref<DescriptorTable> table_of(Process& process) {
  const LockGuard guard(process_table_lock());
  return process.zombie ? Ref<DescriptorTable>{} : process.descriptors;
}

Result<Ref<File>> file_of(Process& process, int descriptor) {
  const Ref<DescriptorTable> table = table_of(process);
  if (!table) return Errno::kENOENT;
  Result<Ref<File>> file = table->get(descriptor);
  return file ? file : Result<Ref<File>>(Errno::kENOENT);
}

std::uint64_t inode_of(const Process& process, int descriptor, DescriptorView view) {
  const std::uint64_t kind = view == DescriptorView::kLinks ? 1 : 2;
  return kind << 62 | static_cast<std::uint64_t>(process.id) << 32 |
         static_cast<std::uint32_t>(descriptor);
}

class DescriptorLink final : public PseudoLink {
 public:
  DescriptorLink(FileSystem& file_system, const Ref<Process>& process, int descriptor)
      : PseudoLink(file_system, inode_of(*process, descriptor, DescriptorView::kLinks)),
        process_(process),
        descriptor_(descriptor) {}

  Status target(TextBuffer& text) override {
    const Result<Ref<File>> file = file_of(*process_, descriptor_);
    if (!file) return file.error();
    std::array<char, 1024> name;
    text.append({name.data(), (*file)->describe(name)});
    return {};
  }

  Result<Ref<Vnode>> magic_target() override {
    const Result<Ref<File>> file = file_of(*process_, descriptor_);
    if (!file) return file.error();
    if ((*file)->vnode() == nullptr) return file_vnode(*file);
    return Ref<Vnode>::share((*file)->vnode());
  }

 private:
  const Ref<Process> process_;
  const int descriptor_;
};

class DescriptorInformation final : public PseudoText {
 public:
  DescriptorInformation(FileSystem& file_system, const Ref<Process>& process, int descriptor)
      : PseudoText(file_system, 0444, inode_of(*process, descriptor, DescriptorView::kInformation)),
        process_(process),
        descriptor_(descriptor) {}

  Status generate(TextBuffer& text) override {
    const Result<Ref<File>> found = file_of(*process_, descriptor_);
    if (!found) return found.error();
    File& file = **found;
    Attributes attributes;
    if (Status status = file.stat(attributes); !status) return status;
    // The position without its lock: a reader may hold that for long.
    text.print("pos:\t%lu\nflags:\t0%o\nmnt_id:\t1\nino:\t%lu\n",
               static_cast<unsigned long>(file.position), file.flags(),
               static_cast<unsigned long>(attributes.inode));
    return {};
  }

 private:
  const Ref<Process> process_;
  const int descriptor_;
};

class DescriptorDirectory final : public PseudoDirectory {
 public:
  DescriptorDirectory(FileSystem& file_system, const Ref<Process>& process, DescriptorView view,
                      std::uint64_t inode)
      : PseudoDirectory(file_system, inode, view == DescriptorView::kLinks ? 0500 : 0555),
        process_(process),
        view_(view) {}

  Result<Ref<Vnode>> find(std::string_view name) override {
    const Result<std::uint32_t> number = parse_entry_number(name);
    if (!number) return number.error();
    const int descriptor = static_cast<int>(*number);
    if (const Result<Ref<File>> file = file_of(*process_, descriptor); !file) return file.error();
    if (view_ == DescriptorView::kLinks)
      return make_vnode<DescriptorLink>(file_system(), process_, descriptor);
    return make_vnode<DescriptorInformation>(file_system(), process_, descriptor);
  }

  Status list(DirectorySink& sink, std::uint64_t& position) override {
    const Ref<DescriptorTable> table = table_of(*process_);
    if (!table) return {};
    const std::uint32_t type = view_ == DescriptorView::kLinks ? kModeSymbolicLink : kModeRegular;
    for (int descriptor = table->next(static_cast<int>(position - kFirstListed)); descriptor >= 0;
         descriptor = table->next(descriptor + 1)) {
      const std::uint64_t next = kFirstListed + static_cast<std::uint64_t>(descriptor) + 1;
      if (!sink.add(EntryName(static_cast<std::uint32_t>(descriptor)).text(),
                    inode_of(*process_, descriptor, view_), type, next))
        return {};
      position = next;
    }
    return {};
  }

 private:
  const Ref<Process> process_;
  const DescriptorView view_;
};

}  // namespace

Result<Ref<Vnode>> make_descriptor_directory(FileSystem& file_system, const Ref<Process>& process,
                                             DescriptorView view, std::uint64_t inode) {
  return make_vnode<DescriptorDirectory>(file_system, process, view, inode);
}

}  // namespace plumbline::linux_abi
