#include "fs/ramfs/ramfs.hh"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <set>
#include <thread>

#include "fs/ramfs/tree_model.hh"
#include "fs/test_tree.hh"

namespace plumbline {
namespace {

int code(Errno error) { return static_cast<int>(error); }

Attributes attributes_of(TestTree& tree, std::string_view path) {
  Attributes attributes;
  const auto vnode = find_vnode(tree.root(), path, false);
  REQUIRE(vnode);
  REQUIRE((*vnode)->attributes(attributes));
  return attributes;
}

}  // namespace

TEST_CASE("random operations have the results and the effects that a simple model has") {
  for (unsigned seed = 1; seed <= 6; ++seed) {
    CAPTURE(seed);
    TestTree tree;
    TreeModel model;
    std::mt19937 random(seed);
    const auto any_path = [&] {
      std::string path;
      const unsigned depth = 1 + random() % 3;
      for (unsigned i = 0; i < depth; ++i) path += "/" + std::string(1, char('a' + random() % 5));
      return path;
    };
    for (int step = 0; step < 3000; ++step) {
      const std::string path = any_path(), other = any_path();
      CAPTURE(path);
      CAPTURE(other);
      switch (random() % 7) {
        case 0:
          CHECK(tree.directory(path) == model.make(path, true));
          break;
        case 1:
          CHECK(tree.file(path) == model.make(path, false));
          break;
        case 2:
          CHECK(tree.remove(path, true) == model.remove(path, true));
          break;
        case 3:
          CHECK(tree.remove(path, false) == model.remove(path, false));
          break;
        case 4:
          CHECK(tree.rename(path, other) == model.rename(path, other));
          break;
        case 5:
          CHECK(tree.link(path, other) == model.link(path, other));
          break;
        default:
          if (TreeModel::Node* node = model.find(path); node != nullptr && !node->directory) {
            const auto file = open_path(path, kOpenWriteOnly | kOpenAppend);
            REQUIRE(file);
            REQUIRE(write_file(**file, path));
            node->content += path;
          }
      }
    }
    for (const auto& [path, node] : model.nodes()) {
      CAPTURE(path);
      if (node->directory) {
        const auto names = tree.list(path);
        CHECK(std::set<std::string>(names.begin(), names.end()) == model.list(path));
        CHECK(names.size() == model.list(path).size());
        const auto inside = model.list(path);
        const auto below = std::count_if(inside.begin(), inside.end(), [&](const auto& name) {
          return model.find((path == "/" ? "" : path) + "/" + name)->directory;
        });
        CHECK(attributes_of(tree, path).links == 2 + below);
        CHECK(tree.path_of(path) == path);
      } else {
        CHECK(tree.content(path) == node->content);
        CHECK(attributes_of(tree, path).links == node.use_count());
      }
    }
  }
}

TEST_CASE("large directories: found, listed once each, removed while being read") {
  TestTree tree;
  tree.directory("/many");
  const int count = 5000;
  for (int i = 0; i < count; ++i) CHECK(tree.file("/many/file" + std::to_string(i)) == 0);
  for (int i = 0; i < count; i += 37) CHECK(tree.find("/many/file" + std::to_string(i)) == 0);
  CHECK(tree.find("/many/file5000") == code(Errno::kENOENT));
  CHECK(tree.list("/many").size() == count);
  CHECK(attributes_of(tree, "/many").size == (count + 2) * 20);

  // As `rm -r` does: a part is read, its files are removed, and so on.
  class Part final : public DirectorySink {
   public:
    bool add(std::string_view name, std::uint64_t, std::uint32_t, std::uint64_t) override {
      if (names.size() == 100) return false;
      if (name[0] != '.') names.emplace_back(name);
      return true;
    }
    std::vector<std::string> names;
  };
  const auto directory = find_vnode(tree.root(), "/many", true);
  std::uint64_t position = 0;
  int removed = 0;
  for (;;) {
    Part part;
    REQUIRE((*directory)->read_directory(part, position));
    if (part.names.empty()) break;
    for (const std::string& name : part.names) removed += tree.remove("/many/" + name, false) == 0;
  }
  CHECK(removed == count);
  CHECK(tree.remove("/many", true) == 0);
  CHECK((*directory)->create("late", {.mode = kModeRegular}).error() == Errno::kENOENT);
}

TEST_CASE("reads, writes, holes and sizes") {
  TestTree tree;
  const auto file = open_file(tree.root(), "f", kOpenReadWrite | kOpenCreate, 0644);
  REQUIRE(file);
  const auto at = [&](std::uint64_t offset, std::string_view text) {
    const IoSegment segment{reinterpret_cast<std::uint64_t>(text.data()), text.size()};
    IoCursor cursor({&segment, 1});
    return *(*file)->write(cursor, offset);
  };
  CHECK(at(0, "hello") == 5);
  CHECK(at(10'000, "world") == 5);
  std::string all = tree.content("/f");
  CHECK(all.size() == 10'005);
  CHECK(all.substr(0, 5) == "hello");
  CHECK(all.substr(10'000) == "world");
  CHECK(std::count(all.begin(), all.end(), '\0') == 9'995);
  CHECK(attributes_of(tree, "/f").blocks == 16);
  CHECK(*(*file)->seek_data(0, true) == 4096);
  CHECK(*(*file)->seek_data(4096, false) == 8192);
  CHECK((*file)->seek_data(10'005, false).error() == Errno::kENXIO);
  // What was behind the end is gone when the file grows again.
  REQUIRE((*file)->truncate(3));
  REQUIRE((*file)->truncate(8));
  CHECK(tree.content("/f") == std::string("hel\0\0\0\0\0", 8));
  // Bad addresses: nothing written, nothing longer.
  const IoSegment bad{8, 100};
  IoCursor cursor({&bad, 1});
  std::uint64_t offset = 100'000;
  CHECK((*file)->write(cursor, offset).error() == Errno::kEFAULT);
  CHECK(attributes_of(tree, "/f").size == 8);
  offset = (std::uint64_t{1} << 63) - 1;
  const IoSegment good{reinterpret_cast<std::uint64_t>(&all), 8};
  IoCursor beyond({&good, 1});
  CHECK((*file)->write(beyond, offset).error() == Errno::kEFBIG);
}

TEST_CASE("an unlinked file lives while it is open") {
  TestTree tree;
  const auto file = open_file(tree.root(), "f", kOpenReadWrite | kOpenCreate, 0644);
  REQUIRE(write_file(**file, "still here"));
  CHECK(tree.remove("/f", false) == 0);
  CHECK(read_text(**file) == "still here");
  char text[100];
  CHECK(std::string_view(text, (*file)->describe(text)) == "/f (deleted)");
  // A mapping's reference alone keeps the content as well.
  Ref<MemoryObject> object = *(*file)->memory_object();
  CHECK(object->size() == 10);
}

TEST_CASE("exchange and noreplace") {
  TestTree tree;
  tree.directory("/d");
  tree.directory("/d/sub");
  tree.file("/f");
  CHECK(tree.rename("/f", "/d", kRenameNoReplace) == code(Errno::kEEXIST));
  CHECK(tree.rename("/f", "/x", kRenameExchange) == code(Errno::kENOENT));
  CHECK(tree.rename("/f", "/d/sub", kRenameExchange) == 0);
  CHECK(attributes_of(tree, "/d").links == 2);
  CHECK(tree.path_of("/f") == "/f");
  CHECK(attributes_of(tree, "/f").mode == (kModeDirectory | 0755));
  CHECK(tree.rename("/d", "/d/sub", kRenameExchange) == code(Errno::kEINVAL));
  CHECK(tree.rename("/d/sub", "/d", kRenameExchange) == code(Errno::kEINVAL));
}

TEST_CASE("seals") {
  const auto vnode = create_memory_file("m", 0777, 0);
  REQUIRE(vnode);
  const auto file = (*vnode)->open(kOpenReadWrite);
  REQUIRE(write_file(**file, "12345"));
  REQUIRE(add_memory_file_seals(**vnode, kSealShrink | kSealGrow));
  CHECK((*file)->truncate(2).error() == Errno::kEPERM);
  CHECK((*file)->truncate(9).error() == Errno::kEPERM);
  CHECK(write_file(**file, "123456").error() == Errno::kEPERM);
  CHECK(write_file(**file, "54321"));
  REQUIRE(add_memory_file_seals(**vnode, kSealWrite | kSealSeal));
  CHECK(write_file(**file, "1").error() == Errno::kEPERM);
  CHECK(add_memory_file_seals(**vnode, kSealShrink).error() == Errno::kEPERM);
  char text[100];
  CHECK(std::string_view(text, (*file)->describe(text)) == "/memfd:m (deleted)");
}

TEST_CASE("threads make, find, rename, list and remove at the same time") {
  TestTree tree;
  tree.directory("/a");
  tree.directory("/b");
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&tree, t] {
      std::mt19937 random(static_cast<unsigned>(t));
      for (int i = 0; i < 500; ++i) {
        const std::string name = "/" + std::to_string(random() % 40);
        switch (random() % 6) {
          case 0:
            tree.file("/a" + name);
            break;
          case 1:
            tree.rename("/a" + name, "/b" + name);
            break;
          case 2:
            tree.remove("/b" + name, false);
            break;
          case 3:
            tree.find("/b/../a" + name);
            break;
          case 4:
            tree.list("/a");
            break;
          default:
            if (const auto file = open_path("/b" + name, kOpenReadWrite)) {
              (void)write_file(**file, name);
              (void)read_text(**file, 10);
              char text[64];
              (void)(*file)->describe(text);
            }
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(tree.list("/a").size() <= 40);
}

}  // namespace plumbline
