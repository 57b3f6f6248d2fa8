// open and its relatives, close, dup, memfd_create.
#include <utility>

#include "fs/open.hh"
#include "fs/ramfs/ramfs.hh"
#include "linux/call.hh"
#include "linux/files/arguments.hh"

namespace plumbline::linux_abi {
namespace {

Result<int> call_openat(int directory, std::uint64_t path, std::uint32_t flags,
                        std::uint32_t mode) {
  PathArgument argument;
  if (const Status status = argument.copy(path); !status) return status.error();
  if (argument.text().empty()) return Errno::kENOENT;
  const Result<Ref<Vnode>> base = walk_base(directory, argument.text());
  if (!base) return base.error();
  const bool creates = (flags & (kOpenCreate | (kOpenTemporary & ~kOpenDirectory))) != 0;
  Result<Ref<File>> file =
      open_file(*base, argument.text(), flags, creates ? masked(mode & 07777) : 0, credentials());
  if (!file) return file.error();
  return descriptors().add(std::move(*file), (flags & kOpenCloseOnExec) != 0, 0,
                           descriptor_limit());
}
LINUX_CALL(257, openat, call_openat);

// struct open_how (openat2(2)).
struct OpenHow {
  std::uint64_t flags, mode, resolve;
};

// kE2BIG: what a newer Linux would know is asked for.
Result<OpenHow> load_how(std::uint64_t address, std::uint64_t size) {
  constexpr std::uint64_t kMost = 4096;
  if (size < sizeof(OpenHow)) return Errno::kEINVAL;
  if (size > kMost) return Errno::kE2BIG;
  const Result<OpenHow> how = load_application<OpenHow>(address);
  for (std::uint64_t at = sizeof(OpenHow); how && at < size; ++at) {
    const Result<std::uint8_t> byte = load_application<std::uint8_t>(address + at);
    if (!byte) return byte.error();
    if (*byte != 0) return Errno::kE2BIG;
  }
  return how;
}

// Unlike open, openat2 refuses what it does not know and what makes no sense.
Status check_how(const OpenHow& how) {
  constexpr std::uint64_t kSync = 04000000;
  constexpr std::uint64_t kKnown =
      kOpenAccessMask | kOpenCreate | kOpenExclusive | kOpenNoControllingTerminal | kOpenTruncate |
      kOpenAppend | kOpenNonblocking | kOpenDataSync | kSync | kOpenAsync | kOpenDirect |
      kOpenLargeFile | kOpenDirectory | kOpenNoFollow | kOpenNoAccessTime | kOpenCloseOnExec |
      kOpenPath | kOpenTemporary;
  constexpr std::uint64_t kWithPath = kOpenPath | kOpenDirectory | kOpenNoFollow | kOpenCloseOnExec;
  constexpr std::uint64_t kResolve = 0x3f, kBeneath = 8, kInRoot = 0x10, kCached = 0x20;
  constexpr std::uint64_t kOnlyTemporary = kOpenTemporary & ~kOpenDirectory;
  if ((how.flags & ~kKnown) != 0 || (how.resolve & ~kResolve) != 0) return Errno::kEINVAL;
  if ((how.resolve & (kBeneath | kInRoot)) == (kBeneath | kInRoot)) return Errno::kEINVAL;
  const bool makes = (how.flags & (kOpenCreate | kOnlyTemporary)) != 0;
  if (makes ? (how.mode & ~std::uint64_t{07777}) != 0 : how.mode != 0) return Errno::kEINVAL;
  if ((how.flags & kOnlyTemporary) != 0 && (how.flags & kOpenDirectory) == 0) return Errno::kEINVAL;
  if ((how.flags & kOpenPath) != 0 && (how.flags & ~kWithPath) != 0) return Errno::kEINVAL;
  // Everything is cached here, but these change something.
  if ((how.resolve & kCached) != 0 && (makes || (how.flags & kOpenTruncate) != 0))
    return Errno::kEAGAIN;
  return {};
}

Result<int> call_openat2(int directory, std::uint64_t path, std::uint64_t how_address,
                         std::uint64_t size) {
  const Result<OpenHow> how = load_how(how_address, size);
  if (!how) return how.error();
  if (const Status status = check_how(*how); !status) return status.error();
  PathArgument argument;
  if (const Status status = argument.copy(path); !status) return status.error();
  if (argument.text().empty()) return Errno::kENOENT;
  const auto has = [&](std::uint64_t bit) { return (how->resolve & bit) != 0; };
  const WalkRules rules{has(1), has(2), has(4), has(8), has(0x10)};
  // With a root of its own an absolute path starts at the directory, too.
  const Result<Ref<Vnode>> base =
      walk_base(directory, rules.scoped() ? std::string_view(".") : argument.text());
  if (!base) return base.error();
  const auto flags = static_cast<std::uint32_t>(how->flags);
  Result<Ref<File>> file =
      open_file(*base, argument.text(), flags, masked(static_cast<std::uint32_t>(how->mode)),
                credentials(), how->resolve != 0 ? &rules : nullptr);
  if (!file) return file.error();
  return descriptors().add(std::move(*file), (flags & kOpenCloseOnExec) != 0, 0,
                           descriptor_limit());
}
LINUX_CALL(437, openat2, call_openat2);

Result<int> call_open(std::uint64_t path, std::uint32_t flags, std::uint32_t mode) {
  return call_openat(kAtWorkingDirectory, path, flags, mode);
}
LINUX_CALL(2, open, call_open);

Result<int> call_creat(std::uint64_t path, std::uint32_t mode) {
  return call_openat(kAtWorkingDirectory, path, kOpenCreate | kOpenWriteOnly | kOpenTruncate, mode);
}
LINUX_CALL(85, creat, call_creat);

Status call_close(int descriptor) { return descriptors().close(descriptor); }
LINUX_CALL(3, close, call_close);

Status call_close_range(unsigned first, unsigned last, unsigned flags) {
  // Unsharing needs nothing: programs' tables are never shared between processes that both run.
  constexpr unsigned kUnshare = 2, kCloseOnExec = 4;
  if (first > last || (flags & ~(kUnshare | kCloseOnExec)) != 0) return Errno::kEINVAL;
  descriptors().close_range(first, last, (flags & kCloseOnExec) != 0);
  return {};
}
LINUX_CALL(436, close_range, call_close_range);

Result<int> call_dup(int descriptor) {
  Result<Ref<File>> file = file_at(descriptor);
  if (!file) return file.error();
  return descriptors().add(std::move(*file), false, 0, descriptor_limit());
}
LINUX_CALL(32, dup, call_dup);

Result<int> call_dup3(int from, int to, std::uint32_t flags) {
  if ((flags & ~kOpenCloseOnExec) != 0 || from == to) return Errno::kEINVAL;
  Result<Ref<File>> file = file_at(from);
  if (!file) return file.error();
  const Status status = descriptors().replace(to, std::move(*file), (flags & kOpenCloseOnExec) != 0,
                                              descriptor_limit());
  if (!status) return status.error();
  return to;
}
LINUX_CALL(292, dup3, call_dup3);

Result<int> call_dup2(int from, int to) {
  if (from != to) return call_dup3(from, to, 0);
  const Result<Ref<File>> file = file_at(from);
  if (!file) return file.error();
  return to;
}
LINUX_CALL(33, dup2, call_dup2);

Result<int> call_memfd_create(std::uint64_t name, unsigned flags) {
  constexpr unsigned kCloseOnExec = 1, kAllowSealing = 2;
  constexpr std::size_t kLongest = 249;
  if ((flags & ~(kCloseOnExec | kAllowSealing)) != 0) return Errno::kEINVAL;
  char text[kLongest + 1];
  const Result<std::size_t> length = copy_string_from_application(text, name);
  if (!length) return length.error() == Errno::kENAMETOOLONG ? Errno::kEINVAL : length.error();
  const std::uint32_t seals = (flags & kAllowSealing) != 0 ? 0 : kSealSeal;
  const Result<Ref<Vnode>> vnode = create_memory_file({text, *length}, 0777, seals);
  if (!vnode) return vnode.error();
  Result<Ref<File>> file = (*vnode)->open(kOpenReadWrite | kOpenLargeFile);
  if (!file) return file.error();
  return descriptors().add(std::move(*file), (flags & kCloseOnExec) != 0, 0, descriptor_limit());
}
LINUX_CALL(319, memfd_create, call_memfd_create);

}  // namespace
}  // namespace plumbline::linux_abi
