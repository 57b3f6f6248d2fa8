// For ramfs's test: a tree of files as plain maps.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "core/errno.hh"

namespace plumbline {

// What each path is, and what operations on paths do, by simple rules. Results are error numbers.
class TreeModel {
 public:
  struct Node {
    bool directory;
    std::string content;
  };
  using Nodes = std::map<std::string, std::shared_ptr<Node>>;

  TreeModel() { nodes_["/"] = std::make_shared<Node>(Node{true, ""}); }

  Node* find(const std::string& path) const {
    const auto it = nodes_.find(path);
    return it == nodes_.end() ? nullptr : it->second.get();
  }
  // Why the parent of `path` is no place for a name; 0 when it is.
  int check_parent(const std::string& path) const {
    std::string above = parent(path);
    if (const Node* node = find(above)) return node->directory ? 0 : number(Errno::kENOTDIR);
    // The first component that is no directory says why.
    while (find(above) == nullptr) above = parent(above);
    return number(find(above)->directory ? Errno::kENOENT : Errno::kENOTDIR);
  }
  static std::string parent(const std::string& path) {
    const auto slash = path.rfind('/');
    return slash == 0 ? "/" : path.substr(0, slash);
  }
  bool empty(const std::string& path) const {
    const auto next = nodes_.upper_bound(path + "/");
    return next == nodes_.end() || next->first.compare(0, path.size() + 1, path + "/") != 0;
  }
  int make(const std::string& path, bool directory) {
    if (const int error = check_parent(path)) return error;
    if (find(path) != nullptr) return number(Errno::kEEXIST);
    nodes_[path] = std::make_shared<Node>(Node{directory, ""});
    return 0;
  }
  int link(const std::string& from, const std::string& to) {
    if (find(from) == nullptr) return error_of(from);
    if (const int error = check_parent(to)) return error;
    if (find(from)->directory) return number(Errno::kEPERM);
    if (find(to) != nullptr) return number(Errno::kEEXIST);
    nodes_[to] = nodes_[from];
    return 0;
  }
  int remove(const std::string& path, bool directory) {
    if (find(path) == nullptr) return error_of(path);
    if (directory && !find(path)->directory) return number(Errno::kENOTDIR);
    if (!directory && find(path)->directory) return number(Errno::kEISDIR);
    if (directory && !empty(path)) return number(Errno::kENOTEMPTY);
    nodes_.erase(path);
    return 0;
  }
  int rename(const std::string& from, const std::string& to) {
    if (const int error = check_parent(from)) return error;
    if (const int error = check_parent(to)) return error;
    Node* const moved = find(from);
    if (moved == nullptr) return number(Errno::kENOENT);
    Node* const victim = find(to);
    if (moved->directory && (to == from || inside(to, from)) && to != from)
      return number(Errno::kEINVAL);
    if (victim == moved) return 0;
    if (victim != nullptr) {
      if (inside(from, to)) return number(Errno::kENOTEMPTY);
      if (moved->directory && !victim->directory) return number(Errno::kENOTDIR);
      if (!moved->directory && victim->directory) return number(Errno::kEISDIR);
      if (victim->directory && !empty(to)) return number(Errno::kENOTEMPTY);
      nodes_.erase(to);
    }
    Nodes taken;
    for (auto it = nodes_.begin(); it != nodes_.end();) {
      if (it->first == from || inside(it->first, from)) {
        taken[to + it->first.substr(from.size())] = it->second;
        it = nodes_.erase(it);
      } else {
        ++it;
      }
    }
    nodes_.merge(taken);
    return 0;
  }
  int error_of(const std::string& path) const {
    const int error = check_parent(path);
    return error != 0 ? error : number(Errno::kENOENT);
  }
  std::set<std::string> list(const std::string& path) const {
    std::set<std::string> names;
    for (const auto& [other, node] : nodes_) {
      if (other != "/" && parent(other) == path) names.insert(other.substr(other.rfind('/') + 1));
    }
    return names;
  }
  const Nodes& nodes() const { return nodes_; }

 private:
  static int number(Errno error) { return static_cast<int>(error); }
  static bool inside(const std::string& path, const std::string& directory) {
    return path.size() > directory.size() && path.compare(0, directory.size(), directory) == 0 &&
           path[directory.size()] == '/';
  }
  Nodes nodes_;
};

}  // namespace plumbline
