// Files without a name and without content: event counters, epoll sets, timers.
#pragma once

#include "fs/file.hh"

namespace plumbline {

class AnonymousFile : public File {
 public:
  // `name`, a literal: "[eventfd]"; /proc/self/fd shows anon_inode:[eventfd].
  AnonymousFile(const char* name, std::uint32_t flags) : File(flags), name_(name) {}

  Status stat(Attributes& attributes) override;
  std::size_t describe(std::span<char> text) override;

 private:
  const char* const name_;
};

}  // namespace plumbline
