#include "fs/path_walk.hh"

#include <doctest/doctest.h>

#include "fs/test_tree.hh"

namespace plumbline {
namespace {

int code(Errno error) { return static_cast<int>(error); }

// directory/file, directory/inner/deep, and links of all kinds.
struct Links : TestTree {
  Links() {
    directory("/directory");
    directory("/directory/inner");
    file("/directory/file");
    file("/directory/inner/deep");
    symlink("directory", "/to-directory");
    symlink("directory/", "/to-directory-slash");
    symlink("/directory/file", "/to-file");
    symlink("missing", "/dangling");
    symlink("loop2", "/loop1");
    symlink("loop1", "/loop2");
    symlink("../to-file", "/directory/up");
    symlink(".", "/dot");
    symlink("dot/to-directory/inner", "/chain");
  }
};

}  // namespace

TEST_CASE_FIXTURE(Links, "paths lead where Linux says") {
  struct Case {
    const char* path;
    Errno error;
    const char* place;
  };
  const Case cases[] = {
      {"/", Errno::kNone, "/"},
      {"//", Errno::kNone, "/"},
      {"/..", Errno::kNone, "/"},
      {"", Errno::kENOENT, ""},
      {"directory", Errno::kNone, "/directory"},
      {"directory/", Errno::kNone, "/directory"},
      {"/directory//file", Errno::kNone, "/directory/file"},
      {"directory/./file", Errno::kNone, "/directory/file"},
      {"directory/../directory/inner/..", Errno::kNone, "/directory"},
      {"directory/file/", Errno::kENOTDIR, ""},
      {"directory/file/.", Errno::kENOTDIR, ""},
      {"directory/file/x", Errno::kENOTDIR, ""},
      {"directory/missing/x", Errno::kENOENT, ""},
      {"directory/missing/", Errno::kENOENT, ""},
      {"to-directory", Errno::kNone, "/directory"},
      {"to-directory/file", Errno::kNone, "/directory/file"},
      {"to-directory-slash", Errno::kNone, "/directory"},
      {"to-directory-slash/inner/deep", Errno::kNone, "/directory/inner/deep"},
      {"to-file", Errno::kNone, "/directory/file"},
      {"to-file/", Errno::kENOTDIR, ""},
      {"to-file/x", Errno::kENOTDIR, ""},
      {"dangling", Errno::kENOENT, ""},
      {"loop1", Errno::kELOOP, ""},
      {"loop1/x", Errno::kELOOP, ""},
      {"directory/up", Errno::kNone, "/directory/file"},
      {"to-directory/up", Errno::kNone, "/directory/file"},
      {"dot/dot/dot/directory", Errno::kNone, "/directory"},
      {"chain", Errno::kNone, "/directory/inner"},
      {"chain/deep", Errno::kNone, "/directory/inner/deep"},
      {"chain/../file", Errno::kNone, "/directory/file"},
      {"chain/deep/", Errno::kENOTDIR, ""},
  };
  for (const Case& c : cases) {
    CAPTURE(c.path);
    CHECK(find(c.path) == code(c.error));
    if (c.error == Errno::kNone) CHECK(path_of(c.path) == c.place);
  }
}

TEST_CASE_FIXTURE(Links, "a last link is followed only when asked, or for a slash") {
  const auto type = [&](const char* path) {
    const auto found = find_vnode(root(), path, false);
    return found ? (*found)->type() : 0;
  };
  CHECK(type("to-directory") == kModeSymbolicLink);
  CHECK(type("to-directory/") == kModeDirectory);
  CHECK(type("dangling") == kModeSymbolicLink);
  CHECK(type("loop1") == kModeSymbolicLink);
}

TEST_CASE("forty links are followed, not one more") {
  TestTree tree;
  tree.file("/end");
  std::string previous = "end";
  for (int i = 1; i <= 41; ++i) {
    const std::string name = "link" + std::to_string(i);
    tree.symlink(previous, "/" + name);
    previous = name;
  }
  CHECK(tree.find("/link40") == 0);
  CHECK(tree.find("/link41") == code(Errno::kELOOP));
  // Each of them in the middle of a path: as many texts wait to be finished.
  tree.directory("/d");
  previous = "d";
  for (int i = 1; i <= 41; ++i) {
    const std::string name = "m" + std::to_string(i);
    tree.symlink(previous + "/.", "/" + name);
    previous = name;
  }
  CHECK(tree.find("/m39/") == 0);
  CHECK(tree.find("/m41/.") == code(Errno::kELOOP));
}

TEST_CASE("names may have 255 bytes") {
  TestTree tree;
  const std::string longest(255, 'n'), longer(256, 'n');
  CHECK(tree.file("/" + longest) == 0);
  CHECK(tree.find("/" + longest) == 0);
  CHECK(tree.file("/" + longer) == code(Errno::kENAMETOOLONG));
  CHECK(tree.find("/" + longer) == code(Errno::kENAMETOOLONG));
}

TEST_CASE("a mounted file system covers its directory; .. leads out again") {
  static Ramfs other;
  REQUIRE(other.initialise());
  // Mounts are for good, so the tree below must be, too.
  static auto* const tree = new TestTree;
  tree->directory("/mnt");
  tree->file("/mnt/hidden");
  REQUIRE(mount(**find_vnode(tree->root(), "/mnt", true), other.root()));
  CHECK(tree->find("/mnt/hidden") == code(Errno::kENOENT));
  CHECK(tree->file("/mnt/shown") == 0);
  CHECK(tree->path_of("/mnt/shown") == "/mnt/shown");
  CHECK(tree->path_of("/mnt/..") == "/");
  CHECK(tree->path_of("/mnt/../mnt/./") == "/mnt");
  CHECK(tree->remove("/mnt", true) == code(Errno::kEBUSY));
  CHECK(tree->rename("/mnt/shown", "/shown") == code(Errno::kEXDEV));
  set_root(nullptr);
}

TEST_CASE_FIXTURE(Links, "open") {
  const auto open = [&](const char* path, std::uint32_t flags) {
    return static_cast<int>(open_file(root(), path, flags, 0644).error());
  };
  CHECK(open("missing", kOpenReadOnly) == code(Errno::kENOENT));
  CHECK(open("directory", kOpenReadWrite) == code(Errno::kEISDIR));
  CHECK(open("directory", kOpenReadOnly | kOpenDirectory) == 0);
  CHECK(open("directory", kOpenCreate) == code(Errno::kEISDIR));
  CHECK(open("new/", kOpenCreate | kOpenWriteOnly) == code(Errno::kEISDIR));
  CHECK(open("to-file", kOpenNoFollow) == code(Errno::kELOOP));
  CHECK(open("to-file", kOpenNoFollow | kOpenPath) == 0);
  CHECK(open("to-file", kOpenDirectory) == code(Errno::kENOTDIR));
  CHECK(open("dangling", kOpenCreate | kOpenExclusive) == code(Errno::kEEXIST));
  CHECK(open("dangling", kOpenCreate | kOpenWriteOnly) == 0);
  CHECK(path_of("missing") == "/missing");
  CHECK(open(".", kOpenTemporary | kOpenReadWrite) == 0);
  CHECK(open(".", kOpenTemporary | kOpenReadOnly) == code(Errno::kEINVAL));
}

TEST_CASE_FIXTURE(Links, "permissions hold for everyone but user 0") {
  const Credentials nobody{65534, 65534};
  CHECK(open_file(root(), "directory/file", kOpenReadOnly, 0, nobody));
  CHECK(open_file(root(), "directory/file", kOpenReadWrite, 0, nobody).error() == Errno::kEACCES);
  CHECK(open_file(root(), "directory/new", kOpenCreate | kOpenWriteOnly, 0600, nobody).error() ==
        Errno::kEACCES);
  AttributeChange change;
  change.set_mode = true;
  change.mode = 0700;
  REQUIRE((*find_vnode(root(), "directory", true))->change(change));
  CHECK(find_vnode(root(), "directory/file", true, nobody).error() == Errno::kEACCES);
  CHECK(find_vnode(root(), "directory", true, nobody));
}

TEST_CASE_FIXTURE(Links, "walks with rules stay where they may be") {
  const Result<Ref<Vnode>> base = find_vnode(root_vnode(), "/directory", true);
  REQUIRE(base);
  const auto walk = [&](const char* path, const WalkRules& rules) {
    const Result<Ref<Vnode>> found = find_vnode(*base, path, true, {}, &rules);
    return found ? 0 : code(found.error());
  };
  const WalkRules beneath{.beneath = true}, in_root{.in_root = true}, no_links{.no_links = true};
  CHECK(walk("inner/../file", beneath) == 0);
  CHECK(walk("inner/../../directory/file", beneath) == code(Errno::kEXDEV));
  CHECK(walk("/directory/file", beneath) == code(Errno::kEXDEV));
  CHECK(walk("up", beneath) == code(Errno::kEXDEV));
  CHECK(walk("/file", in_root) == 0);
  CHECK(walk("../../file", in_root) == 0);
  CHECK(walk("up", in_root) == code(Errno::kENOENT));
  CHECK(walk("up", no_links) == code(Errno::kELOOP));
  CHECK(walk("file", no_links) == 0);
}

}  // namespace plumbline
