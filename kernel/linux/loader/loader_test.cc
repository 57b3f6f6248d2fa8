#include <doctest/doctest.h>

#include <cstring>
#include <string>
#include <vector>

#include "linux/loader/initial_stack.hh"
#include "linux/loader/program_description.hh"
#include "linux/loader/script.hh"

namespace plumbline::linux_abi {
namespace {

LoadError script(const std::string& text, ScriptLine& line) {
  static char begin[kScriptLineMost];
  const std::size_t size = std::min(text.size(), sizeof begin);
  std::memcpy(begin, text.data(), size);
  return parse_script({begin, size}, line);
}

std::vector<std::string> strings(const StringList& list) {
  std::vector<std::string> result;
  const char* at = list.data();
  for (std::size_t i = 0; i < list.count(); ++i) {
    result.emplace_back(at);
    at += result.back().size() + 1;
  }
  return result;
}

}  // namespace

TEST_CASE("scripts name their interpreter") {
  ScriptLine line;
  REQUIRE_FALSE(script("#!/bin/sh\necho", line));
  CHECK(line.interpreter == "/bin/sh");
  CHECK(line.argument.empty());
  REQUIRE_FALSE(script("#! \t/usr/bin/env  -S python3 -u \t\n", line));
  CHECK(line.interpreter == "/usr/bin/env");
  CHECK(line.argument == "-S python3 -u");
  REQUIRE_FALSE(script("#!/bin/sh", line));
  CHECK(line.interpreter == "/bin/sh");
  CHECK(script("#!\n", line).error == Errno::kENOEXEC);
  CHECK(script("#!  ", line).error == Errno::kENOEXEC);
  CHECK(script("#!/" + std::string(300, 'a'), line).error == Errno::kENOEXEC);
  REQUIRE_FALSE(script("#!/bin/sh " + std::string(300, 'a'), line));
  CHECK(line.argument == std::string(kScriptLineMost - 10, 'a'));
}

TEST_CASE("string lists grow and change their beginning") {
  StringList list;
  for (int i = 0; i < 1000; ++i) REQUIRE(list.add("string " + std::to_string(i)));
  CHECK(list.count() == 1000);
  CHECK(list.first() == "string 0");
  const std::string_view texts[] = {"/bin/sh", "-e", "script"};
  REQUIRE(list.replace_first(texts, 3));
  CHECK(list.count() == 1002);
  const auto all = strings(list);
  CHECK(all[0] == "/bin/sh");
  CHECK(all[2] == "script");
  CHECK(all[3] == "string 1");
  CHECK(all[1001] == "string 999");
  StringList empty;
  REQUIRE(empty.replace_first(texts, 3));
  CHECK(empty.count() == 3);
}

TEST_CASE("program descriptions") {
  ProgramDescription program;
  const std::string good(
      "2\0/bin/true\0\0"
      "1\0PATH=/bin\0/root\0",
      31);
  REQUIRE_FALSE(parse_program_description(good, program));
  CHECK(strings(program.arguments) == std::vector<std::string>{"/bin/true", ""});
  CHECK(find_variable(program.environment, "PATH") == "/bin");
  CHECK(find_variable(program.environment, "PAT").empty());
  CHECK(program.directory.first() == "/root");
  for (std::size_t size = 0; size < good.size(); ++size) {
    ProgramDescription cut;
    CHECK(parse_program_description(std::span(good).first(size), cut).error == Errno::kEINVAL);
  }
  const std::string bad[] = {{"0\0"
                              "0\0/\0",
                              6},
                             {"99999999999\0a\0"
                              "0\0/\0",
                              18},
                             {"x\0a\0", 4},
                             {"1\0a\0"
                              "0\0/\0more",
                              12}};
  for (const std::string& text : bad) {
    ProgramDescription other;
    CHECK(parse_program_description(text, other).error == Errno::kEINVAL);
  }
}

TEST_CASE("the initial stack is where programs look") {
  for (unsigned extra = 0; extra < 3; ++extra) {
    StringList arguments, environment;
    REQUIRE(arguments.add("/bin/cat"));
    REQUIRE(arguments.add(""));
    for (unsigned i = 0; i < extra; ++i) REQUIRE(arguments.add("more"));
    REQUIRE(environment.add("HOME=/root"));
    AuxiliaryVector auxiliary;
    auxiliary.add(Auxiliary::kEntry, 0x1234);
    InitialStackContent content{arguments, environment, "/bin/cat", {1, 2, 3}, auxiliary};
    std::vector<std::byte> bytes(initial_stack_size(content));
    // As if the program's addresses were ours.
    alignas(16) static std::byte stack[4096];
    REQUIRE(bytes.size() <= sizeof stack);
    const auto top = reinterpret_cast<std::uint64_t>(stack + sizeof stack);
    const InitialStack result =
        build_initial_stack(content, std::span(stack).last(bytes.size()), top);
    CHECK(result.stack_pointer % 16 == 0);
    const auto* words = reinterpret_cast<const std::uint64_t*>(result.stack_pointer);
    CHECK(*words++ == arguments.count());
    CHECK(std::strcmp(reinterpret_cast<const char*>(words[0]), "/bin/cat") == 0);
    CHECK(words[0] == result.arguments);
    CHECK(*reinterpret_cast<const char*>(words[1]) == '\0');
    words += arguments.count();
    CHECK(*words++ == 0);
    CHECK(std::strcmp(reinterpret_cast<const char*>(*words++), "HOME=/root") == 0);
    CHECK(*words++ == 0);
    CHECK(reinterpret_cast<std::uint64_t>(words) == result.auxiliary);
    CHECK(words[0] == 9);
    CHECK(words[1] == 0x1234);
    CHECK(words[2] == 25);
    CHECK(reinterpret_cast<const char*>(words[3])[2] == 3);
    CHECK(words[4] == 31);
    CHECK(std::strcmp(reinterpret_cast<const char*>(words[5]), "/bin/cat") == 0);
    CHECK(words[6] == 15);
    CHECK(std::strcmp(reinterpret_cast<const char*>(words[7]), "x86_64") == 0);
    CHECK(words[8] == 0);
  }
}

}  // namespace plumbline::linux_abi
