// chmod, chown, utimensat and their relatives.
#include <array>

#include "core/clock.hh"
#include "linux/call.hh"
#include "linux/files/arguments.hh"

namespace plumbline::linux_abi {
namespace {

constexpr std::uint32_t kSetUser = 04000, kSetGroup = 02000, kGroupExecute = 010;

// Only the owner may (kEPERM).
Status check_owner(Vnode& vnode) {
  const Credentials who = credentials();
  if (who.user == 0) return {};
  Attributes attributes;
  if (const Status status = vnode.attributes(attributes); !status) return status;
  return attributes.user == who.user ? Status() : Errno::kEPERM;
}

// The vnode of a descriptor; files without one have no attributes to change.
Result<Ref<Vnode>> vnode_of(int descriptor) {
  const Result<Ref<File>> file = usable_file(descriptor);
  if (!file) return file.error();
  if ((*file)->vnode() == nullptr) return Errno::kEPERM;
  return Ref<Vnode>::share((*file)->vnode());
}

Status change_mode(const Result<Ref<Vnode>>& vnode, std::uint32_t mode) {
  if (!vnode) return vnode.error();
  if ((*vnode)->type() == kModeSymbolicLink) return Errno::kEOPNOTSUPP;
  if (const Status status = check_owner(**vnode); !status) return status;
  AttributeChange change;
  change.set_mode = true;
  change.mode = mode & 07777;
  return (*vnode)->change(change);
}

Status call_chmod(std::uint64_t path, std::uint32_t mode) {
  return change_mode(find_at(kAtWorkingDirectory, path, 0), mode);
}
LINUX_CALL(90, chmod, call_chmod);

Status call_fchmod(int descriptor, std::uint32_t mode) {
  return change_mode(vnode_of(descriptor), mode);
}
LINUX_CALL(91, fchmod, call_fchmod);

Status call_fchmodat(int directory, std::uint64_t path, std::uint32_t mode) {
  return change_mode(find_at(directory, path, 0), mode);
}
LINUX_CALL(268, fchmodat, call_fchmodat);

Status change_owner(const Result<Ref<Vnode>>& vnode, std::uint32_t user, std::uint32_t group) {
  constexpr std::uint32_t kKeep = ~std::uint32_t{0};
  if (!vnode) return vnode.error();
  Attributes old;
  if (const Status status = (*vnode)->attributes(old); !status) return status;
  const Credentials who = credentials();
  if (who.user != 0) {
    const bool gives_away = user != kKeep && user != old.user;
    const bool other_group = group != kKeep && group != old.group && group != who.group;
    if (who.user != old.user || gives_away || other_group) return Errno::kEPERM;
  }
  AttributeChange change;
  change.set_user = user != kKeep;
  change.set_group = group != kKeep;
  change.user = user;
  change.group = group;
  if (!(*vnode)->is_directory() && (old.mode & (kSetUser | kSetGroup)) != 0) {
    // A program that ran as its owner must not run as the new one (chown(2)).
    change.set_mode = true;
    change.mode = old.mode & 07777 & ~kSetUser;
    if ((old.mode & kGroupExecute) != 0) change.mode &= ~kSetGroup;
  }
  return (*vnode)->change(change);
}

Status call_fchownat(int directory, std::uint64_t path, std::uint32_t user, std::uint32_t group,
                     unsigned flags) {
  if ((flags & ~(kAtNoFollow | kAtEmptyPath)) != 0) return Errno::kEINVAL;
  return change_owner(find_at(directory, path, flags), user, group);
}
LINUX_CALL(260, fchownat, call_fchownat);

Status call_chown(std::uint64_t path, std::uint32_t user, std::uint32_t group) {
  return call_fchownat(kAtWorkingDirectory, path, user, group, 0);
}
LINUX_CALL(92, chown, call_chown);

Status call_lchown(std::uint64_t path, std::uint32_t user, std::uint32_t group) {
  return call_fchownat(kAtWorkingDirectory, path, user, group, kAtNoFollow);
}
LINUX_CALL(94, lchown, call_lchown);

Status call_fchown(int descriptor, std::uint32_t user, std::uint32_t group) {
  return change_owner(vnode_of(descriptor), user, group);
}
LINUX_CALL(93, fchown, call_fchown);

// struct timespec, with utimensat's two special values below a second.
struct Timespec {
  std::int64_t seconds, nanoseconds;
};
constexpr std::int64_t kNow = 0x3fff'ffff, kOmit = 0x3fff'fffe;

Status change_times(const Result<Ref<Vnode>>& vnode, const std::array<Timespec, 2>& times) {
  for (const Timespec& time : times) {
    if (time.nanoseconds != kNow && time.nanoseconds != kOmit &&
        (time.nanoseconds < 0 || time.nanoseconds >= 1'000'000'000))
      return Errno::kEINVAL;
  }
  if (times[0].nanoseconds == kOmit && times[1].nanoseconds == kOmit) return {};
  if (!vnode) return vnode.error();
  if (!check_owner(**vnode)) {
    // Who may write may set both to now.
    const bool now = times[0].nanoseconds == kNow && times[1].nanoseconds == kNow;
    if (!now) return Errno::kEPERM;
    if (const Status status = check_permission(**vnode, credentials(), kMayWrite); !status)
      return status;
  }
  const std::uint64_t now = wall_clock_now_ns().count;
  const auto value = [&](const Timespec& time) -> FileTime {
    if (time.nanoseconds == kNow)
      return {static_cast<std::int64_t>(now / 1'000'000'000),
              static_cast<std::uint32_t>(now % 1'000'000'000)};
    return {time.seconds, static_cast<std::uint32_t>(time.nanoseconds)};
  };
  AttributeChange change;
  change.set_accessed = times[0].nanoseconds != kOmit;
  change.set_modified = times[1].nanoseconds != kOmit;
  change.accessed = value(times[0]);
  change.modified = value(times[1]);
  return (*vnode)->change(change);
}

constexpr std::array<Timespec, 2> kBothNow{{{0, kNow}, {0, kNow}}};

Status call_utimensat(int directory, std::uint64_t path, std::uint64_t address, unsigned flags) {
  if ((flags & ~(kAtNoFollow | kAtEmptyPath)) != 0) return Errno::kEINVAL;
  std::array<Timespec, 2> times = kBothNow;
  if (address != 0) {
    const Result<std::array<Timespec, 2>> given =
        load_application<std::array<Timespec, 2>>(address);
    if (!given) return given.error();
    times = *given;
  }
  if (path == 0 && directory != kAtWorkingDirectory) {
    if (flags != 0) return Errno::kEINVAL;
    return change_times(vnode_of(directory), times);
  }
  return change_times(find_at(directory, path, flags), times);
}
LINUX_CALL(280, utimensat, call_utimensat);

// struct timeval, two of them.
Status call_futimesat(int directory, std::uint64_t path, std::uint64_t address) {
  std::array<Timespec, 2> times = kBothNow;
  if (address != 0) {
    const Result<std::array<Timespec, 2>> given =
        load_application<std::array<Timespec, 2>>(address);
    if (!given) return given.error();
    times = *given;
    for (Timespec& time : times) {
      if (time.nanoseconds < 0 || time.nanoseconds >= 1'000'000) return Errno::kEINVAL;
      time.nanoseconds *= 1000;
    }
  }
  if (path == 0 && directory != kAtWorkingDirectory)
    return change_times(vnode_of(directory), times);
  return change_times(find_at(directory, path, 0), times);
}
LINUX_CALL(261, futimesat, call_futimesat);

Status call_utimes(std::uint64_t path, std::uint64_t address) {
  return call_futimesat(kAtWorkingDirectory, path, address);
}
LINUX_CALL(235, utimes, call_utimes);

Status call_utime(std::uint64_t path, std::uint64_t address) {
  std::array<Timespec, 2> times = kBothNow;
  if (address != 0) {
    const Result<std::array<std::int64_t, 2>> given =
        load_application<std::array<std::int64_t, 2>>(address);
    if (!given) return given.error();
    times = {{{(*given)[0], 0}, {(*given)[1], 0}}};
  }
  return change_times(find_at(kAtWorkingDirectory, path, 0), times);
}
LINUX_CALL(132, utime, call_utime);

// Extended attributes: no file has any, and none can be set, as on a tmpfs without them. The file
// must be there all the same.
Status no_attribute(const Result<Ref<Vnode>>& vnode, std::uint64_t name, Errno error) {
  constexpr std::size_t kLongest = 255;
  if (!vnode) return vnode.error();
  char text[kLongest + 1];
  const Result<std::size_t> length = copy_string_from_application(text, name);
  if (!length) return length.error() == Errno::kENAMETOOLONG ? Errno::kERANGE : length.error();
  if (*length == 0) return Errno::kERANGE;
  return error;
}
Result<int> no_list(const Result<Ref<Vnode>>& vnode) {
  if (!vnode) return vnode.error();
  return 0;
}

template <unsigned Flags, Errno Error>
Status by_path(std::uint64_t path, std::uint64_t name) {
  return no_attribute(find_at(kAtWorkingDirectory, path, Flags), name, Error);
}
template <Errno Error>
Status by_descriptor(int descriptor, std::uint64_t name) {
  return no_attribute(vnode_of(descriptor), name, Error);
}
template <unsigned Flags>
Result<int> list_by_path(std::uint64_t path) {
  return no_list(find_at(kAtWorkingDirectory, path, Flags));
}
Result<int> list_by_descriptor(int descriptor) { return no_list(vnode_of(descriptor)); }

constexpr auto kSet = Errno::kEOPNOTSUPP, kGet = Errno::kENODATA, kRemove = Errno::kENODATA;
LINUX_CALL(188, setxattr, (by_path<0, kSet>));
LINUX_CALL(189, lsetxattr, (by_path<kAtNoFollow, kSet>));
LINUX_CALL(190, fsetxattr, by_descriptor<kSet>);
LINUX_CALL(191, getxattr, (by_path<0, kGet>));
LINUX_CALL(192, lgetxattr, (by_path<kAtNoFollow, kGet>));
LINUX_CALL(193, fgetxattr, by_descriptor<kGet>);
LINUX_CALL(194, listxattr, list_by_path<0>);
LINUX_CALL(195, llistxattr, list_by_path<kAtNoFollow>);
LINUX_CALL(196, flistxattr, list_by_descriptor);
LINUX_CALL(197, removexattr, (by_path<0, kRemove>));
LINUX_CALL(198, lremovexattr, (by_path<kAtNoFollow, kRemove>));
LINUX_CALL(199, fremovexattr, by_descriptor<kRemove>);

}  // namespace
}  // namespace plumbline::linux_abi
