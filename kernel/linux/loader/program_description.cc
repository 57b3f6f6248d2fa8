#include "linux/loader/program_description.hh"

#include "core/boot_options.hh"

namespace plumbline::linux_abi {
namespace {

constexpr LoadError bad(const char* reason) { return {Errno::kEINVAL, reason}; }

class Reader {
 public:
  explicit Reader(std::span<const char> text) : text_(text.data(), text.size()) {}

  bool next(std::string_view& string) {
    const std::size_t end = text_.find('\0');
    if (end == std::string_view::npos) return false;
    string = text_.substr(0, end);
    text_.remove_prefix(end + 1);
    return true;
  }
  bool at_end() const { return text_.empty(); }
  std::size_t remaining() const { return text_.size(); }

 private:
  std::string_view text_;
};

LoadError read_list(Reader& reader, StringList& list) {
  std::string_view text;
  std::uint64_t count;
  if (!reader.next(text) || !parse_number(text, count)) return bad("a count is missing");
  // Each string takes a byte at least.
  if (count > reader.remaining()) return bad("a count is larger than the file");
  for (std::uint64_t i = 0; i < count; ++i) {
    if (!reader.next(text)) return bad("it ends too early");
    if (!list.add(text)) return {Errno::kENOMEM, "memory is short"};
  }
  return {};
}

}  // namespace

LoadError parse_program_description(std::span<const char> text, ProgramDescription& program) {
  Reader reader(text);
  if (const LoadError error = read_list(reader, program.arguments)) return error;
  if (program.arguments.count() == 0 || program.arguments.first().empty())
    return bad("it names no program");
  if (const LoadError error = read_list(reader, program.environment)) return error;
  std::string_view directory;
  if (!reader.next(directory) || directory.empty()) return bad("it names no working directory");
  if (!program.directory.add(directory)) return {Errno::kENOMEM, "memory is short"};
  if (!reader.at_end()) return bad("something follows its end");
  return {};
}

std::string_view find_variable(const StringList& environment, std::string_view name) {
  const char* at = environment.data();
  for (std::size_t i = 0; i < environment.count(); ++i) {
    const std::string_view entry(at);
    if (entry.size() > name.size() && entry.starts_with(name) && entry[name.size()] == '=')
      return entry.substr(name.size() + 1);
    at += entry.size() + 1;
  }
  return {};
}

}  // namespace plumbline::linux_abi
