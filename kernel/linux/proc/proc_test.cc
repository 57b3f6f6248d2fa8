#include <doctest/doctest.h>

#include <array>
#include <string>
#include <vector>

#include "fs/io_cursor.hh"
#include "linux/proc/process_formats.hh"
#include "linux/proc/pseudo_tree.hh"

namespace plumbline::linux_abi {
namespace {

void print_value(TextBuffer& text, unsigned value) { text.print("%u\n", value); }
long stored = 0;
Status store_value(std::string_view text) {
  const Result<long> value = parse_written_number(text);
  if (!value) return value.error();
  stored = *value;
  return {};
}

constexpr auto kEntries = std::to_array<TreeEntry>({
    {"version", print_value, 6},
    {"sys/vm/one", print_value, 1, store_value},
    {"sys/kernel/two", print_value, 2},
    {"sys/vm/three", print_value, 3},
    {"mounts", nullptr, 0, nullptr, "self/mounts"},
    {"fs/empty/"},
});

class Names final : public DirectorySink {
 public:
  explicit Names(std::size_t most) : most_(most) {}
  bool add(std::string_view name, std::uint64_t inode, std::uint32_t type, std::uint64_t) override {
    if (names.size() == most_) return false;
    names.emplace_back(name);
    inodes.push_back(inode);
    types.push_back(type);
    return true;
  }
  std::vector<std::string> names;
  std::vector<std::uint64_t> inodes;
  std::vector<std::uint32_t> types;

 private:
  const std::size_t most_;
};

struct Fixture {
  PseudoFileSystem file_system{"proc", 0x9fa0};
  PseudoTree tree{file_system, kEntries};
  Ref<Vnode> root =
      *make_vnode<TreeDirectory>(static_cast<const PseudoTree&>(tree), std::string_view(), 1ul);

  Result<Ref<Vnode>> walk(std::string_view path) {
    Ref<Vnode> at = root;
    while (!path.empty()) {
      const std::size_t slash = std::min(path.find('/'), path.size());
      Result<Ref<Vnode>> next = at->lookup(path.substr(0, slash));
      if (!next) return next;
      at = *next;
      path.remove_prefix(std::min(slash + 1, path.size()));
    }
    return at;
  }
  std::vector<std::string> list(std::string_view path, std::size_t at_once = 100) {
    std::vector<std::string> all;
    std::uint64_t position = 0;
    for (;;) {
      Names names(at_once);
      REQUIRE((*walk(path))->read_directory(names, position));
      if (names.names.empty()) return all;
      all.insert(all.end(), names.names.begin(), names.names.end());
    }
  }
};

std::string read_all(File& file, std::size_t at_once) {
  std::string all;
  std::array<char, 64> buffer;
  for (;;) {
    const IoSegment segment{reinterpret_cast<std::uint64_t>(buffer.data()), at_once};
    IoCursor cursor({&segment, 1});
    const Result<std::size_t> length = file.read(cursor, all.size());
    REQUIRE(length);
    if (*length == 0) return all;
    all.append(buffer.data(), *length);
  }
}

}  // namespace

TEST_CASE("a list of paths is a tree of directories") {
  Fixture fixture;
  using Strings = std::vector<std::string>;
  CHECK(fixture.list("") == Strings{".", "..", "version", "sys", "mounts", "fs"});
  CHECK(fixture.list("sys") == Strings{".", "..", "vm", "kernel"});
  CHECK(fixture.list("sys/vm") == Strings{".", "..", "one", "three"});
  CHECK(fixture.list("fs/empty") == Strings{".", ".."});
  // However little room there is at a time.
  CHECK(fixture.list("", 1) == fixture.list(""));
  CHECK(fixture.walk("sys/nothing").error() == Errno::kENOENT);
  CHECK(fixture.walk("sys/v").error() == Errno::kENOENT);
  CHECK(fixture.walk("version/x").error() == Errno::kENOTDIR);
}

TEST_CASE("listed inodes are those of the files") {
  Fixture fixture;
  Names names(100);
  std::uint64_t position = kFirstListed;
  REQUIRE(fixture.root->read_directory(names, position));
  for (std::size_t i = 0; i < names.names.size(); ++i) {
    Attributes attributes;
    const Result<Ref<Vnode>> vnode = fixture.walk(names.names[i]);
    REQUIRE(vnode);
    REQUIRE((*vnode)->attributes(attributes));
    CHECK(attributes.inode == names.inodes[i]);
    CHECK((attributes.mode & kModeTypeMask) == names.types[i]);
  }
}

TEST_CASE("files are made when read from the beginning, in pieces of any size") {
  Fixture fixture;
  const Result<Ref<File>> file = (*fixture.walk("sys/kernel/two"))->open(kOpenReadOnly);
  REQUIRE(file);
  CHECK(read_all(**file, 64) == "2\n");
  CHECK(read_all(**file, 1) == "2\n");
}

TEST_CASE("files that can be written take one number") {
  Fixture fixture;
  const Result<Ref<File>> file = (*fixture.walk("sys/vm/one"))->open(kOpenReadWrite);
  REQUIRE(file);
  const auto write = [&](std::string_view text) {
    const IoSegment segment{reinterpret_cast<std::uint64_t>(text.data()), text.size()};
    IoCursor cursor({&segment, 1});
    std::uint64_t offset = 0;
    return (*file)->write(cursor, offset);
  };
  CHECK(write("-17\n"));
  CHECK(stored == -17);
  CHECK(write("0x1f"));
  CHECK(stored == 31);
  CHECK(write("many").error() == Errno::kEINVAL);
  CHECK(write("").error() == Errno::kEINVAL);
  CHECK(write("99999999999999999999").error() == Errno::kEINVAL);
}

TEST_CASE("links") {
  Fixture fixture;
  std::array<char, 64> text;
  const Result<Ref<Vnode>> link = fixture.walk("mounts");
  REQUIRE(link);
  const Result<std::size_t> length = (*link)->read_link(text);
  REQUIRE(length);
  CHECK(std::string_view(text.data(), *length) == "self/mounts");
}

TEST_CASE("a line of maps has its name in column 73") {
  TextBuffer text;
  MapLine line;
  line.begin = 0x5555'5555'4000;
  line.end = 0x5555'5555'6000;
  line.read = true;
  line.offset = 0x1000;
  line.device = 0x0803;
  line.inode = 1234;
  line.name = "/usr/bin/lua5.4";
  print_map(text, line);
  CHECK(text.text() ==
        "555555554000-555555556000 r--p 00001000 08:03 1234                       "
        "/usr/bin/lua5.4\n");
  text.clear();
  line = {};
  line.begin = 0x7fff'0000'0000;
  line.end = 0x7fff'0000'1000;
  line.write = line.shared = true;
  print_map(text, line);
  CHECK(text.text() == "7fff00000000-7fff00001000 -w-s 00000000 00:00 0 \n");
}

TEST_CASE("stat has 52 fields, with the name in brackets as the second") {
  TextBuffer text;
  ProcessSnapshot process;
  process.id = 7;
  process.name = "a b)";
  process.mapped_bytes = 3 * kPageSize;
  process.resident_bytes = 2 * kPageSize;
  process.cpu_time = milliseconds(1230);
  process.tasks = 4;
  print_stat(text, process);
  const std::string line(text.text());
  CHECK(line.starts_with("7 (a b)) S 0 0 0 0 -1 "));
  std::vector<std::string> fields(1);
  for (const char c : line.substr(line.rfind(')') + 2)) {
    if (c == ' ' || c == '\n') {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
  REQUIRE(fields.size() == 51);  // 3 to 52, and what follows the line's end
  CHECK(fields[14 - 3] == "123");
  CHECK(fields[20 - 3] == "4");
  CHECK(fields[23 - 3] == "12288");
  CHECK(fields[24 - 3] == "2");
  CHECK(fields[38 - 3] == "17");
}

}  // namespace plumbline::linux_abi
