#include "linux/proc/pseudo_vnode.hh"

#include <algorithm>
#include <array>
#include <cstring>
#include <new>

#include "core/clock.hh"
#include "core/units.hh"
#include "fs/name.hh"
#include "fs/vnode_file.hh"
#include "fs/vnode_files.hh"
#include "sync/lock_guard.hh"

namespace plumbline::linux_abi {
namespace {

FileTime time_now() {
  constexpr std::uint64_t kSecond = 1'000'000'000;
  const std::uint64_t now = wall_clock_now_ns().count;
  return {static_cast<std::int64_t>(now / kSecond), static_cast<std::uint32_t>(now % kSecond)};
}

class TextFile final : public VnodeFile {
 public:
  TextFile(const Ref<PseudoText>& text, std::uint32_t flags)
      : VnodeFile(text, flags), node_(*text) {}

  Result<std::size_t> read(IoCursor& to, std::uint64_t offset) override {
    const LockGuard guard(lock_);
    if (offset == 0 || !made_) {
      content_.clear();
      if (Status status = node_.generate(content_); !status) return status.error();
      if (!content_.complete()) return Errno::kENOMEM;
      made_ = true;
    }
    const std::string_view text = content_.text();
    if (offset >= text.size()) return std::size_t{0};
    const std::string_view rest = text.substr(offset);
    const std::size_t length = std::min(rest.size(), to.remaining());
    const std::size_t put = to.put(std::as_bytes(std::span(rest.data(), length)));
    if (put == 0 && to.faulted()) return Errno::kEFAULT;
    return put;
  }

  Result<std::size_t> write(IoCursor& from, std::uint64_t& offset) override {
    // One write is one value; none is as long as a page.
    std::array<char, 256> value;
    if (from.remaining() >= value.size()) return Errno::kEINVAL;
    const std::size_t length = from.take(std::as_writable_bytes(std::span(value)));
    if (from.faulted()) return Errno::kEFAULT;
    if (Status status = node_.store({value.data(), length}); !status) return status.error();
    return length;
  }

  bool seekable() const override { return true; }
  Result<std::uint64_t> end() override { return Errno::kEINVAL; }
  Status truncate(std::uint64_t) override { return {}; }

 private:
  PseudoText& node_;  // the vnode
  Mutex lock_;
  TextBuffer content_;
  bool made_ = false;
};

}  // namespace

Status PseudoFileSystem::statistics(FileSystemStatistics& statistics) {
  statistics.type = magic_;
  return {};
}

Status PseudoVnode::attributes(Attributes& attributes) {
  attributes.device = file_system().device();
  attributes.inode = inode_;
  attributes.mode = mode_;
  attributes.links = is_directory() ? 2 : 1;
  attributes.block_size = type() == kModeRegular ? 1024 : 4096;
  attributes.accessed = attributes.modified = attributes.changed = time_now();
  return {};
}

Result<Ref<File>> PseudoText::open(std::uint32_t flags) {
  auto* file = new (std::nothrow) TextFile(Ref<PseudoText>::share(this), flags);
  if (file == nullptr) return Errno::kENOMEM;
  return Ref<File>(Ref<TextFile>::adopt(file));
}

Result<std::size_t> PseudoLink::read_link(std::span<char> text) {
  TextBuffer whole;
  if (Status status = target(whole); !status) return status.error();
  if (!whole.complete()) return Errno::kENOMEM;
  const std::size_t length = std::min(text.size(), whole.length());
  std::memcpy(text.data(), whole.text().data(), length);
  return length;
}

Result<Ref<Vnode>> PseudoDirectory::lookup(std::string_view name) {
  if (name.size() > kLongestName) return Errno::kENAMETOOLONG;
  Result<Ref<Vnode>> found = find(name);
  if (!found) return found;
  Ref<Name> kept = Name::create(name);
  if (!kept) return Errno::kENOMEM;
  (*found)->set_place(Ref<Vnode>::share(this), std::move(kept));
  return found;
}

Status PseudoDirectory::read_directory(DirectorySink& sink, std::uint64_t& position) {
  if (position == 0) {
    if (!sink.add(".", inode(), kModeDirectory, 1)) return {};
    position = 1;
  }
  if (position == 1) {
    if (!sink.add("..", inode(), kModeDirectory, kFirstListed)) return {};
    position = kFirstListed;
  }
  return list(sink, position);
}

Result<Ref<File>> PseudoDirectory::open(std::uint32_t flags) {
  return open_directory(Ref<Vnode>::share(this), flags);
}

Result<long> parse_written_number(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\0'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  const bool negative = !text.empty() && text.front() == '-';
  if (negative) text.remove_prefix(1);
  unsigned base = 10;
  if (text.starts_with("0x")) {
    base = 16;
    text.remove_prefix(2);
  }
  if (text.empty() || text.size() > 15) return Errno::kEINVAL;
  long value = 0;
  for (const char character : text) {
    unsigned digit = 99;
    if (character >= '0' && character <= '9') digit = static_cast<unsigned>(character - '0');
    if (character >= 'a' && character <= 'f') digit = static_cast<unsigned>(character - 'a') + 10;
    if (digit >= base) return Errno::kEINVAL;
    value = value * static_cast<long>(base) + static_cast<long>(digit);
  }
  return negative ? -value : value;
}

}  // namespace plumbline::linux_abi
