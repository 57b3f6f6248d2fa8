// The file of an image that says what run=program starts.
#pragma once

#include <span>

#include "linux/loader/elf.hh"
#include "linux/loader/string_list.hh"

namespace plumbline::linux_abi {

inline constexpr const char* kProgramDescriptionPath = "/.plumbline/program";
// Arguments and environment of a program that one would start by hand fit well.
inline constexpr std::size_t kLongestProgramDescription = 1024 * 1024;

struct ProgramDescription {
  StringList arguments, environment;
  StringList directory;  // one string
};

// Parses zero-terminated strings: a decimal count and that many arguments, the same for the
// environment, the working directory. kEINVAL with the reason; kENOMEM.
LoadError parse_program_description(std::span<const char> text, ProgramDescription& program);

// The value of a variable of the environment; empty when it is not there.
std::string_view find_variable(const StringList& environment, std::string_view name);

}  // namespace plumbline::linux_abi
