// From a path to a vnode (path_resolution(7)).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/reference.hh"
#include "core/result.hh"
#include "fs/vnode.hh"

namespace plumbline {

// Who asks. User 0 may do everything but execute what nobody may.
struct Credentials {
  std::uint32_t user = 0, group = 0;
};

inline constexpr std::uint32_t kMayRead = 4, kMayWrite = 2, kMayExecute = 1;
// kEACCES unless all of `wanted` is allowed by the vnode's owner, group and permission bits.
Status check_permission(Vnode& vnode, const Credentials& who, std::uint32_t wanted);

// What a walk may not do (openat2(2), RESOLVE_...).
struct WalkRules {
  bool no_mounts = false;       // kEXDEV where it would cross into another file system
  bool no_magic_links = false;  // kELOOP at those of /proc
  bool no_links = false;        // kELOOP at any
  bool beneath = false;         // kEXDEV where it would leave where it starts
  bool in_root = false;         // where it starts is the root
  bool scoped() const { return beneath || in_root; }
};

// A walk in progress, stopped before its last component, so that open, mkdir, unlink and rename can
// do there what they are for.
class PathWalk {
 public:
  // Most symbolic links in one walk (Linux: MAXSYMLINKS).
  static constexpr unsigned kMostLinks = 40;

  // `base` is where a relative path starts. The path stays the caller's until the walk's end.
  // So do the rules, if there are any.
  PathWalk(const Ref<Vnode>& base, std::string_view path, const Credentials& who,
           const WalkRules* rules = nullptr);
  ~PathWalk();
  PathWalk(const PathWalk&) = delete;
  PathWalk& operator=(const PathWalk&) = delete;

  // Goes on to the directory of the last component. kENOENT, kENOTDIR, kELOOP, kEACCES, kENOMEM.
  Status to_last();

  // After to_last: the directory, and the last component's name. Where the path ends without one
  // ("/", "a/..", "."), named() is false and the vnode is found by look_up.
  Vnode& directory() const { return *at_; }
  std::string_view name() const { return name_; }
  bool named() const { return kind_ == Kind::kName; }
  // "." and ".." have errors of their own in rmdir and rename.
  bool ends_in_dot() const { return kind_ == Kind::kDot; }
  bool ends_in_dot_dot() const { return kind_ == Kind::kDotDot; }
  // A slash follows: it must be a directory.
  bool wants_directory() const { return wants_directory_; }

  // After to_last: what the last component names, a symbolic link as such. kENOENT.
  Result<Ref<Vnode>> look_up();
  // Goes on where `link`, which look_up found, leads to; to_last comes next.
  Status follow(const Ref<Vnode>& link);

 private:
  enum class Kind : std::uint8_t { kName, kDot, kDotDot, kNone };
  // Text that remains to be walked when that of a link is used up.
  struct Rest {
    Ref<Vnode> link;  // keeps the text that follows it alive
    char* copy;       // or this does
    std::string_view text;
  };

  // Takes the next component off the text; false at the end.
  bool next_component(std::string_view& component);
  bool at_end() const;
  void pop_finished();
  Result<Ref<Vnode>> step(std::string_view component);
  Result<Ref<Vnode>> step_up();
  Status check_rules(const Vnode* magic_target, std::string_view text) const;
  Rest& rest(unsigned index) { return reinterpret_cast<Rest*>(rests_)[index]; }

  const Credentials who_;
  const WalkRules* const rules_;
  Ref<Vnode> top_;  // where it starts, for rules
  Ref<Vnode> at_;
  std::string_view text_;
  std::string_view name_;
  Kind kind_ = Kind::kNone;
  bool wants_directory_ = false;
  bool empty_ = false;
  unsigned links_ = 0;
  unsigned depth_ = 0;
  // What keeps text_ alive.
  Ref<Vnode> text_link_;
  char* text_copy_ = nullptr;
  // Made as they are needed: most walks meet no link.
  alignas(Rest) std::byte rests_[kMostLinks * sizeof(Rest)];
};

// The vnode at `path`; a last symbolic link is followed when `follow_last` or a slash says so.
Result<Ref<Vnode>> find_vnode(const Ref<Vnode>& base, std::string_view path, bool follow_last,
                              const Credentials& who = {}, const WalkRules* rules = nullptr);

}  // namespace plumbline
