#include "linux/loader/script.hh"

namespace plumbline::linux_abi {
namespace {

constexpr bool is_blank(char c) { return c == ' ' || c == '\t'; }

}  // namespace

bool is_script(std::span<const char> begin) {
  return begin.size() >= 2 && begin[0] == '#' && begin[1] == '!';
}

LoadError parse_script(std::span<const char> begin, ScriptLine& line) {
  std::string_view text(begin.data(), begin.size());
  text.remove_prefix(2);
  const std::size_t end = text.find_first_of(std::string_view("\n\0", 2));
  const bool complete = end != std::string_view::npos || begin.size() < kScriptLineMost;
  if (end != std::string_view::npos) text = text.substr(0, end);
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  std::size_t length = 0;
  while (length < text.size() && !is_blank(text[length])) ++length;
  if (length == 0) return {Errno::kENOEXEC, "its first line names no interpreter"};
  // Half a path could name something else; half an argument is passed on, as Linux does.
  if (length == text.size() && !complete)
    return {Errno::kENOEXEC, "the interpreter's path in its first line is too long"};
  line.interpreter = text.substr(0, length);
  text.remove_prefix(length);
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  line.argument = text;
  return {};
}

}  // namespace plumbline::linux_abi
