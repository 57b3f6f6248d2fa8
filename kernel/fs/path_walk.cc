#include "fs/path_walk.hh"

#include <new>
#include <utility>

#include "fs/file_system.hh"

namespace plumbline {

Status check_permission(Vnode& vnode, const Credentials& who, std::uint32_t wanted) {
  if (who.user == 0 && ((wanted & kMayExecute) == 0 || vnode.is_directory())) return {};
  Attributes attributes;
  if (const Status status = vnode.attributes(attributes); !status) return status;
  const std::uint32_t mode = attributes.mode;
  if (who.user == 0) return (mode & 0111) != 0 ? Status() : Errno::kEACCES;
  const unsigned shift = who.user == attributes.user ? 6 : who.group == attributes.group ? 3 : 0;
  return ((mode >> shift) & wanted) == wanted ? Status() : Errno::kEACCES;
}

PathWalk::PathWalk(const Ref<Vnode>& base, std::string_view path, const Credentials& who,
                   const WalkRules* rules)
    : who_(who), rules_(rules), text_(path), empty_(path.empty()) {
  at_ = !path.empty() && path.front() == '/' ? root_vnode() : base;
  if (rules == nullptr) return;
  top_ = base;
  if (rules->in_root) at_ = base;
}

PathWalk::~PathWalk() {
  delete[] text_copy_;
  while (depth_ != 0) {
    Rest& last = rest(--depth_);
    delete[] last.copy;
    last.~Rest();
  }
}

void PathWalk::pop_finished() {
  while (depth_ != 0 && text_.find_first_not_of('/') == std::string_view::npos) {
    Rest& last = rest(--depth_);
    delete[] text_copy_;
    text_copy_ = last.copy;
    text_link_ = std::move(last.link);
    text_ = last.text;
    last.~Rest();
  }
}

bool PathWalk::next_component(std::string_view& component) {
  if (depth_ != 0) pop_finished();
  std::size_t begin = 0;
  while (begin < text_.size() && text_[begin] == '/') ++begin;
  std::size_t end = begin;
  while (end < text_.size() && text_[end] != '/') ++end;
  component = text_.substr(begin, end - begin);
  text_.remove_prefix(end);
  return !component.empty();
}

bool PathWalk::at_end() const {
  if (depth_ != 0) return false;  // a rest is never without a component
  return text_.empty() || text_.find_first_not_of('/') == std::string_view::npos;
}

Status PathWalk::to_last() {
  if (empty_) return Errno::kENOENT;
  if (rules_ != nullptr && rules_->beneath && links_ == 0 && text_.starts_with('/') && at_ != top_)
    return Errno::kEXDEV;
  for (;;) {
    std::string_view component;
    if (!next_component(component)) {
      name_ = {};
      kind_ = Kind::kNone;
      return {};
    }
    if (at_end()) {
      name_ = component;
      kind_ = component == "." ? Kind::kDot : component == ".." ? Kind::kDotDot : Kind::kName;
      if (!text_.empty()) wants_directory_ = true;
      if (!at_->is_directory()) return Errno::kENOTDIR;
      if (who_.user != 0) return check_permission(*at_, who_, kMayExecute);
      return {};
    }
    Result<Ref<Vnode>> next = step(component);
    if (!next) return next.error();
    if ((*next)->type() == kModeSymbolicLink) {
      if (const Status status = follow(*next); !status) return status;
    } else {
      at_ = std::move(*next);
    }
  }
}

Result<Ref<Vnode>> PathWalk::step(std::string_view component) {
  if (!at_->is_directory()) return Errno::kENOTDIR;
  if (who_.user != 0) {
    if (const Status status = check_permission(*at_, who_, kMayExecute); !status)
      return status.error();
  }
  if (component[0] == '.') {
    if (component.size() == 1) return at_;
    if (component.size() == 2 && component[1] == '.') return step_up();
  }
  Result<Ref<Vnode>> found = at_->lookup(component);
  if (found) {
    while (Vnode* const root = (*found)->mounted()) {
      if (rules_ != nullptr && rules_->no_mounts) return Errno::kEXDEV;
      *found = Ref<Vnode>::share(root);
    }
  }
  return found;
}

Result<Ref<Vnode>> PathWalk::step_up() {
  if (rules_ != nullptr && rules_->scoped() && at_ == top_)
    return rules_->beneath ? Result<Ref<Vnode>>(Errno::kEXDEV) : at_;
  if (at_ == root_vnode()) return at_;
  const Vnode* directory = at_.get();
  if (rules_ != nullptr && rules_->no_mounts && directory->covered() != nullptr)
    return Errno::kEXDEV;
  while (directory->covered() != nullptr) directory = directory->covered();
  Ref<Vnode> parent = directory->parent();
  return parent ? parent : at_;
}

Result<Ref<Vnode>> PathWalk::look_up() {
  if (kind_ == Kind::kNone) {
    if (wants_directory_ && !at_->is_directory()) return Errno::kENOTDIR;
    return at_;
  }
  Result<Ref<Vnode>> found = step(name_);
  if (found && wants_directory_ && !(*found)->is_directory() &&
      (*found)->type() != kModeSymbolicLink)
    return Errno::kENOTDIR;
  return found;
}

// Whether a link may be followed to `magic_target` or, if that is null, to what `text` says.
Status PathWalk::check_rules(const Vnode* magic_target, std::string_view text) const {
  if (magic_target != nullptr) {
    if (rules_->no_magic_links) return Errno::kELOOP;
    // They may lead anywhere, whatever the walk has seen.
    if (rules_->scoped()) return Errno::kEXDEV;
  } else if (!text.starts_with('/') || rules_->in_root) {
    return {};
  } else if (rules_->beneath) {
    return Errno::kEXDEV;
  }
  const Vnode& target = magic_target != nullptr ? *magic_target : *root_vnode();
  const bool leaves = &target.file_system() != &at_->file_system();
  return rules_->no_mounts && leaves ? Errno::kEXDEV : Status();
}

Status PathWalk::follow(const Ref<Vnode>& link) {
  if (++links_ > kMostLinks || (rules_ != nullptr && rules_->no_links)) return Errno::kELOOP;
  Result<Ref<Vnode>> magic = link->magic_target();
  if (!magic) return magic.error();
  if (*magic) {
    if (rules_ != nullptr) {
      if (const Status status = check_rules(magic->get(), {}); !status) return status;
    }
    at_ = std::move(*magic);
    return {};
  }
  std::string_view text = link->link_text();
  char* copy = nullptr;
  if (text.empty()) {
    copy = new (std::nothrow) char[kLongestPath];
    if (copy == nullptr) return Errno::kENOMEM;
    const Result<std::size_t> length = link->read_link({copy, kLongestPath});
    if (!length || *length == 0) {
      delete[] copy;
      return length ? Errno::kENOENT : length.error();
    }
    text = {copy, *length};
  }
  if (rules_ != nullptr) {
    if (const Status status = check_rules(nullptr, text); !status) {
      delete[] copy;
      return status;
    }
  }
  if (!at_end()) {
    // Only then: a rest without a component would hide the end. Never more rests than links.
    new (&rest(depth_++)) Rest{std::move(text_link_), text_copy_, text_};
  } else {
    delete[] text_copy_;
  }
  text_copy_ = copy;
  text_link_ = link;
  text_ = text;
  if (text.front() == '/') at_ = rules_ != nullptr && rules_->in_root ? top_ : root_vnode();
  return {};
}

Result<Ref<Vnode>> find_vnode(const Ref<Vnode>& base, std::string_view path, bool follow_last,
                              const Credentials& who, const WalkRules* rules) {
  PathWalk walk(base, path, who, rules);
  for (;;) {
    if (const Status status = walk.to_last(); !status) return status.error();
    Result<Ref<Vnode>> found = walk.look_up();
    if (!found || (*found)->type() != kModeSymbolicLink || !(follow_last || walk.wants_directory()))
      return found;
    if (const Status status = walk.follow(*found); !status) return status.error();
  }
}

}  // namespace plumbline
