#include "linux/terminals/pts.hh"

#include <new>
#include <utility>

#include "core/init_calls.hh"
#include "fs/device_files.hh"
#include "fs/root.hh"
#include "fs/vnode_file.hh"
#include "linux/events/descriptors.hh"
#include "linux/proc/process_directory.hh"
#include "linux/proc/pseudo_vnode.hh"
#include "linux/terminals/terminal.hh"

namespace plumbline::linux_abi {
namespace {

constexpr std::uint64_t kPtsMagic = 0x1cd1;
constexpr std::uint64_t kRootInode = 1, kMultiplexerInode = 2, kFirstSlaveInode = 3;

class TerminalFile : public VnodeFile {
 public:
  TerminalFile(Ref<Vnode> node, Ref<Terminal> terminal, std::uint32_t flags, TerminalEnd end,
               std::uint32_t generation)
      : VnodeFile(std::move(node), flags),
        terminal_(std::move(terminal)),
        end_(end),
        generation_(generation) {}

  Result<std::size_t> read(IoCursor& to, std::uint64_t) override {
    return terminal_->read(user(), to);
  }
  Result<std::size_t> write(IoCursor& from, std::uint64_t&) override {
    return terminal_->write(user(), from);
  }
  Result<long> ioctl(std::uint32_t request, std::uint64_t argument) override {
    return terminal_->request(user(), request, argument);
  }
  PollEvents poll() override { return terminal_->poll(user()); }
  PollSource* poll_source() override { return &terminal_->source(end_); }

 protected:
  ~TerminalFile() override {
    if (end_ == TerminalEnd::kMaster) {
      terminal_->close_master();
    } else {
      terminal_->close_slave();
    }
  }

 private:
  Terminal::User user() const { return {end_, generation_, nonblocking()}; }

  const Ref<Terminal> terminal_;
  const TerminalEnd end_;
  const std::uint32_t generation_;
};

Result<Ref<File>> make_file(const Ref<Terminal>& terminal, TerminalEnd end,
                            std::uint32_t generation, Ref<Vnode> node, std::uint32_t flags) {
  auto* const file =
      new (std::nothrow) TerminalFile(std::move(node), terminal, flags, end, generation);
  if (file != nullptr) return Ref<File>(Ref<TerminalFile>::adopt(file));
  if (end == TerminalEnd::kMaster) {
    terminal->close_master();
  } else {
    terminal->close_slave();
  }
  return Errno::kENOMEM;
}

// The slave opened through `node`: its own, or /dev/tty.
Result<Ref<File>> open_slave(Ref<Vnode> node, const Ref<Terminal>& terminal, std::uint32_t flags) {
  // Who cannot read from it does not get it for a controlling terminal.
  const bool control =
      (flags & kOpenNoControllingTerminal) == 0 && (flags & kOpenAccessMask) != kOpenWriteOnly;
  const Result<std::uint32_t> generation = terminal->open_slave(control);
  if (!generation) return generation.error();
  return make_file(terminal, TerminalEnd::kSlave, *generation, std::move(node), flags);
}

// /dev/ptmx: each opening makes a new terminal.
Result<Ref<File>> open_master(Ref<Vnode> node, std::uint32_t flags) {
  const Result<Ref<Terminal>> terminal = Terminal::create();
  if (!terminal) return terminal.error();
  return make_file(*terminal, TerminalEnd::kMaster, 0, std::move(node), flags);
}

// /dev/tty.
Result<Ref<File>> open_controlling(Ref<Vnode> node, std::uint32_t flags) {
  const Ref<Terminal> terminal = Terminal::find_serial(calling_process().terminal);
  if (!terminal) return Errno::kENXIO;
  return open_slave(std::move(node), terminal, flags);
}

class SlaveVnode final : public Vnode {
 public:
  SlaveVnode(FileSystem& file_system, Ref<Terminal> terminal)
      : Vnode(file_system, kModeCharacterDevice), terminal_(std::move(terminal)) {}

  Result<Ref<File>> open(std::uint32_t flags) override {
    return open_slave(Ref<Vnode>::share(this), terminal_, flags);
  }
  Status attributes(Attributes& attributes) override {
    attributes.device = file_system().device();
    attributes.inode = kFirstSlaveInode + terminal_->number();
    terminal_->attributes(attributes);
    return {};
  }
  Status change(const AttributeChange& change) override {
    terminal_->change(change);
    return {};
  }
  Status truncate(std::uint64_t) override { return {}; }

 private:
  const Ref<Terminal> terminal_;
};

// /dev/pts/ptmx: the same as /dev/ptmx.
class MultiplexerVnode final : public PseudoVnode {
 public:
  explicit MultiplexerVnode(FileSystem& file_system)
      : PseudoVnode(file_system, kModeCharacterDevice | 0666, kMultiplexerInode) {}
  Result<Ref<File>> open(std::uint32_t flags) override {
    return open_master(Ref<Vnode>::share(this), flags);
  }
  Status attributes(Attributes& attributes) override {
    attributes.special_device = device_number(5, 2);
    return PseudoVnode::attributes(attributes);
  }
};

class PtsDirectory final : public PseudoDirectory {
 public:
  explicit PtsDirectory(FileSystem& file_system) : PseudoDirectory(file_system, kRootInode, 0755) {}

  Result<Ref<Vnode>> find(std::string_view name) override {
    if (name == "ptmx") return make_vnode<MultiplexerVnode>(file_system());
    const Result<std::uint32_t> number = parse_entry_number(name);
    if (!number) return number.error();
    Ref<Terminal> terminal = Terminal::find(*number);
    if (!terminal) return Errno::kENOENT;
    return make_vnode<SlaveVnode>(file_system(), std::move(terminal));
  }

  Result<Ref<Vnode>> create(std::string_view, const NewNode&) override { return Errno::kEPERM; }
  Status remove(std::string_view, bool) override { return Errno::kEPERM; }

  Status list(DirectorySink& sink, std::uint64_t& position) override {
    constexpr std::uint64_t kFirst = kFirstListed + 1;
    if (position == kFirstListed) {
      if (!sink.add("ptmx", kMultiplexerInode, kModeCharacterDevice, kFirst)) return {};
      position = kFirst;
    }
    for (;;) {
      const unsigned number = Terminal::next(static_cast<unsigned>(position - kFirst));
      if (number == Terminal::kMost) return {};
      if (!sink.add(EntryName(number).text(), kFirstSlaveInode + number, kModeCharacterDevice,
                    kFirst + number + 1))
        return {};
      position = kFirst + number + 1;
    }
  }
};

Ref<Vnode> root;

void register_terminals() {
  register_device(device_number(5, 0), open_controlling);
  register_device(device_number(5, 2), open_master);
}
INIT_CALL(InitLevel::kDevice, register_terminals);

}  // namespace

Result<int> open_peer_descriptor(Ref<Terminal> terminal, std::uint32_t flags) {
  constexpr std::uint32_t kAllowed =
      kOpenAccessMask | kOpenNonblocking | kOpenNoControllingTerminal | kOpenCloseOnExec;
  if ((flags & ~kAllowed) != 0) return Errno::kEINVAL;
  Result<Ref<Vnode>> node = root->lookup(EntryName(terminal->number()).text());
  if (!node) return node.error();
  Result<Ref<File>> file = open_slave(std::move(*node), terminal, flags & ~kOpenCloseOnExec);
  if (!file) return file.error();
  return install_descriptor(std::move(*file), (flags & kOpenCloseOnExec) != 0);
}

Status mount_pts() {
  auto* const file_system = new (std::nothrow) PseudoFileSystem("devpts", kPtsMagic);
  if (file_system == nullptr) return Errno::kENOMEM;
  Result<Ref<Vnode>> made = make_vnode<PtsDirectory>(*file_system);
  if (!made) return made.error();
  root = *made;
  return mount_at("/dev/pts", std::move(*made));
}

}  // namespace plumbline::linux_abi
