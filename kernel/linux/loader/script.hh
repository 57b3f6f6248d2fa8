// Scripts: files that name the program to run them (execve(2), "Interpreter scripts").
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "linux/loader/elf.hh"

namespace plumbline::linux_abi {

// What is read of a file to see what it is (Linux: BINPRM_BUF_SIZE).
inline constexpr std::size_t kScriptLineMost = 256;

struct ScriptLine {
  std::string_view interpreter;
  std::string_view argument;  // one, as it stands there; empty: none
};

bool is_script(std::span<const char> begin);
// Parses the first line; the views point into `begin`, the file's first bytes.
LoadError parse_script(std::span<const char> begin, ScriptLine& line);

}  // namespace plumbline::linux_abi
