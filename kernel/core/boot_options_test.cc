#include "core/boot_options.hh"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace plumbline;

namespace {

constexpr const char* kWords[] = {"one", "two"};

struct Options {
  BootOption<std::uint64_t> number{"a.number", 7, 1, 4096, "help"};
  BootOption<bool> flag{"a.flag", false, "help"};
  BootOption<std::string_view> text{"text", "standard", "help"};
  BootOption<Choice> choice{"choice", 1, kWords, "help"};
  BootOption<TextList> list{"list", "help"};
  std::vector<BootOptionBase*> all{&number, &flag, &text, &choice, &list};
};

}  // namespace

TEST_CASE("options keep their defaults on an empty line") {
  for (const char* line : {"", " ", "\t\n "}) {
    Options o;
    CHECK(parse_boot_options(line, o.all).error == BootOptionError::kNone);
    CHECK(o.number.get() == 7);
    CHECK(o.text.get() == "standard");
    CHECK_FALSE(o.number.given);
  }
}

TEST_CASE("every kind is parsed") {
  Options o;
  const auto result = parse_boot_options(
      "  a.number=2K a.flag=on text=x=y choice=one list=first list=second ", o.all);
  CHECK(result.error == BootOptionError::kNone);
  CHECK(o.number.get() == 2048);
  CHECK(o.number.given);
  CHECK(o.flag.get());
  CHECK(o.text.get() == "x=y");
  CHECK(o.choice.get() == 0);
  REQUIRE(o.list.get().size() == 2);
  CHECK(o.list.get()[1] == "second");
}

TEST_CASE("errors name the option and the value") {
  Options o;
  auto result = parse_boot_options("a.number=3 nonsense=5 a.number=4", o.all);
  CHECK(result.error == BootOptionError::kUnknown);
  CHECK(result.name == "nonsense");
  CHECK(result.value == "5");
  CHECK(o.number.get() == 3);
  for (const char* bad :
       {"a.number=0", "a.number=4097", "a.number=", "a.number", "a.number=4x", "a.number=-1",
        "a.number=1G", "a.flag=yes", "a.flag", "choice=three", "choice="}) {
    Options fresh;
    result = parse_boot_options(bad, fresh.all);
    CHECK_MESSAGE(result.error == BootOptionError::kBadValue, bad);
    CHECK(result.option != nullptr);
  }
  CHECK(parse_boot_options("a.number=5 help", o.all).error == BootOptionError::kHelp);
}

TEST_CASE("a list takes no more than it can hold") {
  Options o;
  std::string line;
  for (std::size_t i = 0; i < BootOption<TextList>::kMost; ++i) line += "list=x ";
  CHECK(parse_boot_options(line, o.all).error == BootOptionError::kNone);
  CHECK(parse_boot_options("list=y", o.all).error == BootOptionError::kBadValue);
}

TEST_CASE("numbers") {
  std::uint64_t value = 0;
  CHECK((parse_number("0", value) && value == 0));
  CHECK((parse_number("0x1fK", value) && value == 0x1f * 1024));
  CHECK((parse_number("18446744073709551615", value) && value == ~0ull));
  CHECK((parse_number("16777215T", value) && value == 16777215ull << 40));
  for (const char* bad :
       {"", "K", "0x", "18446744073709551616", "16777216T", "1 ", "1KK", "a", "0xg"}) {
    CHECK_FALSE_MESSAGE(parse_number(bad, value), bad);
  }
}

TEST_CASE("what is allowed is described") {
  Options o;
  char text[80];
  describe_allowed(o.number, text);
  CHECK(std::string(text) == "a number from 1 to 4096 (suffixes K, M, G)");
  describe_allowed(o.choice, text);
  CHECK(std::string(text) == "one of one, two");
  char tiny[5];
  describe_allowed(o.choice, tiny);
  CHECK(std::string(tiny) == "one ");
}
