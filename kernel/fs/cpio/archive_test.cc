#include "fs/cpio/archive.hh"

#include <doctest/doctest.h>

#include <cstdio>
#include <cstring>
#include <memory>

#include "fs/test_tree.hh"

namespace plumbline {
namespace {

// Writes archives as a builder does, and wrongly when a test wants that.
class Builder {
 public:
  struct Member {
    std::uint32_t mode = kModeRegular | 0644;
    std::uint32_t links = 1, inode = 0, modified = 12345, special_minor = 0;
    std::size_t align = 4;
  };
  Builder& add(std::string_view name, std::string_view data, const Member& member) {
    // The data begins at a multiple of `align`: zeros behind the name.
    std::size_t name_size = name.size() + 1;
    while ((bytes_.size() + 110 + name_size) % member.align != 0) ++name_size;
    char header[111];
    std::snprintf(header, sizeof header,
                  "070701%08x%08x%08x%08x%08x%08x%08zx%08x%08x%08x%08x%08zx%08x", member.inode,
                  member.mode, 0u, 0u, member.links, member.modified, data.size(), 0u, 0u, 1u,
                  member.special_minor, name_size, 0u);
    bytes_ += header;
    bytes_ += name;
    bytes_.append(name_size - name.size(), '\0');
    while (bytes_.size() % 4 != 0) bytes_ += '\0';
    bytes_ += data;
    while (bytes_.size() % 4 != 0) bytes_ += '\0';
    return *this;
  }
  Builder& add(std::string_view name, std::string_view data) { return add(name, data, Member()); }
  Builder& end() {
    add("TRAILER!!!", "", {.mode = 0});
    bytes_.append(512, '\0');
    return *this;
  }
  // In memory that is aligned as a module is.
  std::span<std::byte> memory() {
    memory_.reset(
        static_cast<std::byte*>(std::aligned_alloc(4096, (bytes_.size() + 4095) & ~4095ul)),
        std::free);
    std::memcpy(memory_.get(), bytes_.data(), bytes_.size());
    return {memory_.get(), bytes_.size()};
  }

 private:
  std::string bytes_;
  std::shared_ptr<std::byte> memory_;
};

}  // namespace

TEST_CASE("an archive's files, directories, links and devices appear") {
  Builder builder;
  builder.add(".", "", {.mode = kModeDirectory | 0700})
      .add("etc", "", {.mode = kModeDirectory | 0755})
      .add("./etc/name", "plumbline\n", {.mode = kModeRegular | 0640})
      .add("/usr/bin/program", std::string(10'000, 'p'), {.mode = kModeRegular | 0755})
      .add("bin", "usr/bin", {.mode = kModeSymbolicLink | 0777})
      .add("bin/second", "through the link")
      .add("dev/null", "", {.mode = kModeCharacterDevice | 0666, .special_minor = 3})
      .add("hard1", "", {.links = 3, .inode = 7})
      .add("hard2", "", {.links = 3, .inode = 7})
      .add("etc/hard3", "shared", {.links = 3, .inode = 7})
      .end();
  // A second archive replaces a file; its numbers mean other files.
  builder.add("etc/name", "changed").add("other", "x", {.links = 2, .inode = 7}).end();
  TestTree tree;
  UnpackResult result;
  REQUIRE(unpack_archive(builder.memory(), tree.root(), result));
  CHECK(result.files == 12);
  CHECK(tree.content("/etc/name") == "changed");
  CHECK(tree.content("/bin/program") == std::string(10'000, 'p'));
  CHECK(tree.content("/usr/bin/second") == "through the link");
  CHECK(tree.content("/hard1") == "shared");
  CHECK(tree.content("/other") == "x");
  Attributes attributes;
  REQUIRE((*find_vnode(tree.root(), "/hard2", true))->attributes(attributes));
  CHECK(attributes.links == 3);
  CHECK(attributes.modified.seconds == 12345);
  REQUIRE((*find_vnode(tree.root(), "/dev/null", true))->attributes(attributes));
  CHECK(attributes.special_device == 0x103);
  REQUIRE((*find_vnode(tree.root(), "/", true))->attributes(attributes));
  CHECK(attributes.mode == (kModeDirectory | 0700));
}

TEST_CASE("aligned pages are lent, the last part and all else is copied") {
  const std::string large(3 * 4096 + 10, 'l');
  Builder builder;
  builder.add("aligned", large, {.align = 4096}).add("unaligned", large).end();
  const auto memory = builder.memory();
  TestTree tree;
  UnpackResult result;
  REQUIRE(unpack_archive(memory, tree.root(), result));
  CHECK(result.lent_bytes == 3 * 4096);
  CHECK(result.copied_bytes == 10 + large.size());
  CHECK(tree.content("/aligned") == large);
  CHECK(tree.content("/unaligned") == large);
  // What follows the end within the last page is zeros, not the archive's next header.
  const auto file = open_path("/aligned", kOpenReadWrite);
  REQUIRE((*file)->truncate(4 * 4096));
  CHECK(tree.content("/aligned").substr(large.size()) ==
        std::string(4 * 4096 - large.size(), '\0'));
}

TEST_CASE("damaged archives are refused with what is wrong") {
  Builder builder;
  builder.add("a", "some data").add("b", "more").end();
  const auto whole = builder.memory();
  TestTree tree;
  UnpackResult result;
  // Cut anywhere within the second header.
  const Status cut = unpack_archive(whole.first(200), tree.root(), result);
  CHECK(cut.error() == Errno::kEINVAL);
  CHECK(std::string(result.error) == "the archive ends within a header");
  whole[4] = std::byte{'9'};
  CHECK(unpack_archive(whole, tree.root(), result).error() == Errno::kEINVAL);
  CHECK(result.error_offset == 0);
  const auto wrong = [&](std::string_view name, std::string_view data) {
    Builder one;
    one.add(name, data, {.mode = kModeRegular | 0644}).end();
    return unpack_archive(one.memory(), tree.root(), result).error();
  };
  CHECK(wrong("..", "") == Errno::kEINVAL);
  CHECK(wrong("x/../y", "") == Errno::kEINVAL);
  CHECK(wrong("a/below-a-file", "") == Errno::kENOTDIR);
}

TEST_CASE("every cut of an archive ends in order") {
  Builder builder;
  builder.add("d", "", {.mode = kModeDirectory | 0755}).add("d/f", "0123456789").end();
  const auto whole = builder.memory();
  for (std::size_t length = 0; length <= whole.size(); ++length) {
    TestTree tree;
    UnpackResult result;
    // A copy of its own, so that the sanitizer sees what is read beyond.
    std::vector<std::byte> part(whole.begin(), whole.begin() + static_cast<long>(length));
    (void)unpack_archive(part, tree.root(), result);
  }
}

}  // namespace plumbline
