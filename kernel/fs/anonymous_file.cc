#include "fs/anonymous_file.hh"

#include "core/format.hh"
#include "fs/attributes.hh"

namespace plumbline {

Status AnonymousFile::stat(Attributes& attributes) {
  // All of them share one inode, as on Linux.
  attributes = {};
  attributes.device = kAnonymousDevice;
  attributes.inode = 1;
  attributes.mode = 0600;
  return {};
}

std::size_t AnonymousFile::describe(std::span<char> text) {
  return format_text(text, "anon_inode:%s", name_);
}

}  // namespace plumbline
