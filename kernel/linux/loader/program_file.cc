#include "linux/loader/program_file.hh"

#include <algorithm>
#include <array>
#include <cstring>

#include "fs/open.hh"
#include "linux/loader/script.hh"

namespace plumbline::linux_abi {
namespace {

constexpr unsigned kMostScripts = 5;

// A file, whose first bytes are read once: headers usually lie there.
class FileSource final : public ByteSource {
 public:
  explicit FileSource(File& file) : file_(file) {
    const Result<std::uint64_t> end = file.end();
    size_ = end ? *end : 0;
    cached_ = std::min<std::uint64_t>(size_, cache_.size());
    if (!read_exactly(file, cache_.data(), cached_, 0)) cached_ = 0;
  }

  std::uint64_t size() const override { return size_; }
  bool read(std::uint64_t offset, std::span<std::byte> to) override {
    if (offset > size_ || to.size() > size_ - offset) return false;
    if (offset + to.size() <= cached_) {
      if (!to.empty()) std::memcpy(to.data(), cache_.data() + offset, to.size());
      return true;
    }
    return static_cast<bool>(read_exactly(file_, to.data(), to.size(), offset));
  }
  std::span<const char> beginning() const {
    return {reinterpret_cast<const char*>(cache_.data()), std::min(cached_, kScriptLineMost)};
  }

 private:
  File& file_;
  std::uint64_t size_ = 0;
  std::size_t cached_ = 0;
  std::array<std::byte, 1024> cache_;
};

Status blame(ProgramFile& result, std::string_view path, Errno error, const char* reason) {
  const std::size_t length = std::min(path.size(), sizeof result.blamed - 1);
  std::memcpy(result.blamed, path.data(), length);
  result.blamed[length] = '\0';
  result.reason = reason;
  return error;
}

Status open_executable(const Ref<Vnode>& vnode, const Credentials& who, LoadableFile& to) {
  if (vnode->type() != kModeRegular) return Errno::kEACCES;
  if (const Status status = check_permission(*vnode, who, kMayExecute); !status) return status;
  // Who may execute a file need not be allowed to read it: the kernel reads it.
  Result<Ref<File>> file = open_vnode(vnode, kOpenReadOnly);
  if (!file) return file.error();
  to.vnode = vnode;
  to.file = *file;
  return {};
}

Status find_interpreter(const Ref<Vnode>& directory, const Credentials& who, FileSource& source,
                        ProgramFile& result) {
  const ElfImage& image = result.program.image;
  if (image.interpreter_length == 0) return {};
  std::array<char, 256> path;
  if (image.interpreter_length > path.size())
    return blame(result, "", Errno::kENAMETOOLONG, "the path of its interpreter is too long");
  const auto length = static_cast<std::size_t>(image.interpreter_length);
  if (!source.read(image.interpreter_offset, std::as_writable_bytes(std::span(path).first(length))))
    return blame(result, "", Errno::kEIO, "its interpreter's path cannot be read");
  const std::string_view name(path.data());
  Result<Ref<Vnode>> vnode = find_vnode(directory, name, true, who);
  if (!vnode)
    return blame(result, name, vnode.error(), "the program's interpreter is not in the image");
  if (const Status status = open_executable(*vnode, who, result.interpreter); !status)
    return blame(result, name, status.error(), "the program's interpreter is not executable");
  FileSource interpreter(*result.interpreter.file);
  if (const LoadError error = parse_elf(interpreter, result.interpreter.image)) {
    return blame(result, name, Errno::kELIBBAD, error.reason);
  }
  return {};
}

}  // namespace

Status find_program(Ref<Vnode> vnode, std::string_view path, const Ref<Vnode>& directory,
                    const Credentials& who, StringList& arguments, ProgramFile& result) {
  // Holds the path that a script named, while the next file is looked at.
  std::array<char, kScriptLineMost + 1> script_path;
  for (unsigned scripts = 0; scripts <= kMostScripts; ++scripts) {
    if (const Status status = open_executable(vnode, who, result.program); !status)
      return blame(result, path, status.error(), "it is no file that may be executed");
    FileSource source(*result.program.file);
    const std::span<const char> begin = source.beginning();
    if (!is_script(begin)) {
      if (const LoadError error = parse_elf(source, result.program.image))
        return blame(result, path, error.error, error.reason);
      const Status status = find_interpreter(directory, who, source, result);
      if (!status && result.blamed[0] == '\0')
        return blame(result, path, status.error(), result.reason);
      return status;
    }
    ScriptLine line;
    if (const LoadError error = parse_script(begin, line))
      return blame(result, path, error.error, error.reason);
    std::array<std::string_view, 3> front;
    std::size_t count = 0;
    front[count++] = line.interpreter;
    if (!line.argument.empty()) front[count++] = line.argument;
    front[count++] = path;
    if (const Status status = arguments.replace_first(front.data(), count); !status) return status;
    const std::size_t length = line.interpreter.size();
    std::memcpy(script_path.data(), line.interpreter.data(), length);
    path = std::string_view(script_path.data(), length);
    Result<Ref<Vnode>> next = find_vnode(directory, path, true, who);
    if (!next)
      return blame(result, path, next.error(), "the script's interpreter is not in the image");
    vnode = *next;
  }
  return blame(result, path, Errno::kELOOP, "too many scripts are each other's interpreters");
}

const char* describe_load_error(Errno error) {
  switch (error) {
    case Errno::kENOENT:
      return "no such file";
    case Errno::kENOTDIR:
      return "part of its path is no directory";
    case Errno::kEACCES:
      return "not allowed";
    case Errno::kENOEXEC:
    case Errno::kEINVAL:
      return "not a program";
    case Errno::kELIBBAD:
      return "not an interpreter";
    case Errno::kENOMEM:
      return "memory is short";
    case Errno::kELOOP:
      return "too many links";
    case Errno::kE2BIG:
      return "arguments and environment are too long";
    default:
      return "it cannot be read";
  }
}

}  // namespace plumbline::linux_abi
