#include <doctest/doctest.h>

#include <array>
#include <cstring>

#include "linux/entry/call_names.hh"
#include "linux/entry/test_object.hh"

using namespace plumbline;
using namespace plumbline::linux_abi;

namespace {

template <typename T>
T get(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

void put(std::vector<std::byte>& file, std::uint64_t address, std::vector<int> code) {
  for (std::size_t i = 0; i < code.size(); ++i)
    file[kTestCodeOffset + (address - kTestCodeAddress) + i] = static_cast<std::byte>(code[i]);
}

bool equals(const std::byte* at, std::vector<int> code) {
  for (std::size_t i = 0; i < code.size(); ++i) {
    if (at[i] != static_cast<std::byte>(code[i])) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("site lists are checked") {
  const std::vector<CallSite> sites{{0x11000, 7, 5}, {0x11007, 5, 3}, {0x11100, 15, 0}};
  const auto good = test_list(sites);
  const auto list = SiteList::parse(good);
  REQUIRE(list);
  REQUIRE(list->count() == 3);
  CHECK((*list)[1].window == 0x11007);
  CHECK((*list)[2].length == 15);
  CHECK((*list)[0].offset == 5);
  CHECK(SiteList::parse(test_list({}))->count() == 0);

  CHECK_FALSE(SiteList::parse({}));
  for (std::size_t length = 0; length < good.size(); ++length)
    CHECK_FALSE(SiteList::parse(std::span(good).first(length)));
  auto bad = good;
  bad[7] = std::byte{'2'};
  CHECK_FALSE(SiteList::parse(bad));
  bad = good;
  bad[8] = std::byte{4};
  CHECK_FALSE(SiteList::parse(bad));
  bad = good;
  bad[12 + 6] = std::byte{1};
  CHECK_FALSE(SiteList::parse(bad));
  // Overlapping, out of order, too short, too long, the call outside of its window.
  CHECK_FALSE(SiteList::parse(test_list({{0x11000, 7, 5}, {0x11006, 5, 3}})));
  CHECK_FALSE(SiteList::parse(test_list({{0x11010, 7, 5}, {0x11000, 5, 3}})));
  CHECK_FALSE(SiteList::parse(test_list({{0x11000, 4, 2}})));
  CHECK_FALSE(SiteList::parse(test_list({{0x11000, 16, 2}})));
  CHECK_FALSE(SiteList::parse(test_list({{0x11000, 7, 6}})));
  CHECK_FALSE(SiteList::parse(test_list({{0x11000, 7, 255}})));
}

TEST_CASE("the layout of an object and its build-id") {
  const auto file = test_object(2);
  const auto layout = read_object_layout(std::span(file).first(0x400));
  REQUIRE(layout);
  CHECK(layout->segment_count == 2);
  CHECK(layout->begin() == 0x10000);
  CHECK(layout->code_offset(kTestCodeAddress + 5, 15) == kTestCodeOffset + 5);
  CHECK_FALSE(layout->code_offset(0x10000, 5));
  CHECK_FALSE(layout->code_offset(kTestCodeAddress + 2 * kPageSize - 4, 5));
  CHECK(layout->code_offset(kTestCodeAddress + 2 * kPageSize - 5, 5));
  CHECK(layout->page_address(kTestCodeOffset + kPageSize) == kTestCodeAddress + kPageSize);
  CHECK_FALSE(layout->page_address(0));
  REQUIRE(layout->note_count == 1);
  const auto notes = std::span(file).subspan(layout->notes[0].offset, layout->notes[0].length);
  const auto id = find_build_id(notes);
  REQUIRE(id.size() == 20);
  CHECK(id[19] == std::byte{19});
  for (std::size_t length = 0; length < notes.size(); ++length)
    CHECK(find_build_id(notes.first(length)).empty());
  for (std::size_t length = 0; length < 64 + 3 * 56; ++length)
    CHECK_FALSE(read_object_layout(std::span(file).first(length)));
}

TEST_CASE("a site becomes a jump to its stub") {
  auto file = test_object(2);
  // mov $39, %eax; syscall; cmp $-4096, %rax
  put(file, 0x11010, {0xb8, 39, 0, 0, 0, 0x0f, 5, 0x48, 0x3d, 0, 0xf0, 0xff, 0xff});
  // syscall; cmp, over the end of a page
  put(file, 0x11ffd, {0x0f, 5, 0x48, 0x3d, 0, 0xf0, 0xff, 0xff});
  const auto bytes = test_list({{0x11010, 13, 5}, {0x11500, 7, 0}, {0x11ffd, 8, 0}});
  const auto sites = SiteList::parse(bytes);
  REQUIRE(sites);
  const auto layout = read_object_layout(file);
  REQUIRE(layout);
  const std::uint64_t size = stub_area_size(*sites);
  CHECK(size == kPageSize);
  std::vector<std::byte> area(size);
  TestPages pages(file);
  std::array<StubPlace, 3> places;
  CallEntries entries;
  entries.fill(0x123456789abcdef0);
  entries[39] = 0x3939;
  const StubCounts counts = write_stubs(*sites, *layout, entries, area, pages, places);
  CHECK(counts.replaced == 2);
  CHECK(counts.refused == 1);  // there is no syscall at 0x11500
  // The slots: a call whose number is known, and one whose is not.
  CHECK(get<std::uint64_t>(area.data()) == 0x3939);
  CHECK(get<std::uint64_t>(area.data() + 8) == 0x123456789abcdef0);

  const std::uint64_t begin = 0x10000 - size;
  const std::byte* stub = area.data() + 32;
  CHECK(equals(stub, {0xb8, 39, 0, 0, 0, 0x48, 0x8d, 0x0d, 6, 0, 0, 0, 0xff, 0x25}));
  const std::uint64_t next = begin + 32 + 5 + 13;
  CHECK(next + static_cast<std::uint64_t>(std::int64_t{get<std::int32_t>(stub + 14)}) == begin);
  CHECK(equals(stub + 18, {0x48, 0x3d, 0, 0xf0, 0xff, 0xff, 0xe9}));
  CHECK(next + 11 + static_cast<std::uint64_t>(std::int64_t{get<std::int32_t>(stub + 25)}) ==
        0x11010 + 13);

  const std::byte* window = pages.copies[1].get() + 0x10;
  CHECK(window[0] == std::byte{0xe9});
  CHECK(0x11015 + static_cast<std::uint64_t>(std::int64_t{get<std::int32_t>(window + 1)}) ==
        begin + 32);
  CHECK(equals(window + 5, {0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0}));
  // Over the pages' border.
  CHECK(pages.copies[1][0xffd] == std::byte{0xe9});
  CHECK(pages.copies[2][4] == std::byte{0xcc});
  CHECK(pages.copies[2][5] == std::byte{0});

  CHECK(places[0].site.window == 0x11010);
  CHECK(places[0].stub == 32);
  CHECK(places[1].site.window == 0x11ffd);
  CHECK(places[1].stub == 32 + 5 + 13 + 6 + 5);
}

TEST_CASE("a stub returns where its site does") {
  auto file = test_object(2);
  // getpid: mov $39, %eax; syscall; ret. Then the same, but the return is on the next page; and one
  // whose return would lie behind the code.
  const std::vector<int> getpid{0xb8, 39, 0, 0, 0, 0x0f, 5, 0xc3};
  put(file, 0x11020, getpid);
  put(file, 0x11ff9, getpid);
  put(file, 0x13000 - 7, {0xb8, 39, 0, 0, 0, 0x0f, 5});
  const auto bytes = test_list({{0x11020, 7, 5}, {0x11ff9, 7, 5}, {0x13000 - 7, 7, 5}});
  const auto sites = SiteList::parse(bytes);
  REQUIRE(sites);
  const auto layout = read_object_layout(file);
  REQUIRE(layout);
  std::vector<std::byte> area(stub_area_size(*sites));
  TestPages pages(file);
  std::array<StubPlace, 3> places;
  REQUIRE(write_stubs(*sites, *layout, CallEntries{}, area, pages, places).replaced == 3);
  const auto end_of = [&](const StubPlace& place) { return area.data() + place.stub + 5 + 13; };
  CHECK(equals(end_of(places[0]), {0xc3, 0xcc, 0xcc, 0xcc, 0xcc}));
  CHECK(original_address(places, places[0].stub + 18u) == 0x11027);
  CHECK(equals(end_of(places[1]), {0xe9}));
  CHECK(equals(end_of(places[2]), {0xe9}));
  // The site's own return stays.
  CHECK(pages.copies[1][0x27] == std::byte{0xc3});
}

TEST_CASE("a call whose number is not known for sure has the common entry") {
  auto file = test_object(2);
  put(file, 0x11010, {0xb8, 0, 2, 0, 0, 0x0f, 5});               // 512: no call's number
  put(file, 0x11020, {0x31, 0xd2, 0xb8, 39, 0, 0, 0, 0x0f, 5});  // more than the number
  put(file, 0x11030, {0xb9, 39, 0, 0, 0, 0x0f, 5});              // mov to %ecx
  put(file, 0x11040, {0xb8, 0xff, 0xff, 0xff, 0xff, 0x0f, 5});   // -1
  put(file, 0x11050, {0xb8, 0xff, 1, 0, 0, 0x0f, 5});            // 511
  const auto bytes = test_list(
      {{0x11010, 7, 5}, {0x11020, 9, 7}, {0x11030, 7, 5}, {0x11040, 7, 5}, {0x11050, 7, 5}});
  const auto sites = SiteList::parse(bytes);
  REQUIRE(sites);
  const auto layout = read_object_layout(file);
  REQUIRE(layout);
  std::vector<std::byte> area(stub_area_size(*sites));
  TestPages pages(file);
  std::array<StubPlace, 5> places;
  CallEntries entries;
  for (std::size_t i = 0; i < entries.size(); ++i) entries[i] = i;
  REQUIRE(write_stubs(*sites, *layout, entries, area, pages, places).replaced == 5);
  for (const std::size_t i : {0, 1, 2, 3}) CHECK(get<std::uint64_t>(&area[i * 8]) == kCallNumbers);
  CHECK(get<std::uint64_t>(&area[4 * 8]) == 511);
}

TEST_CASE("an address in a stub stands for one in the program") {
  // 5 bytes, the call, 6 bytes; the call first, 6 bytes.
  const std::array<StubPlace, 2> places{StubPlace{{0x11010, 13, 5}, 16},
                                        StubPlace{{0x11ffd, 8, 0}, 45}};
  CHECK_FALSE(original_address(places, 0));
  CHECK_FALSE(original_address(places, 15));
  CHECK(original_address(places, 16) == 0x11010);
  CHECK(original_address(places, 21) == 0x11015);  // lea
  CHECK(original_address(places, 28) == 0x11015);  // jmp *slot
  CHECK(original_address(places, 34) == 0x11017);  // next
  CHECK(original_address(places, 40) == 0x1101d);  // jmp back
  CHECK_FALSE(original_address(places, 41));
  CHECK(original_address(places, 45) == 0x11ffd);
  CHECK(original_address(places, 45 + 13) == 0x11fff);
  CHECK(original_address(places, 45 + 13 + 6) == 0x12005);
  CHECK_FALSE(original_address({}, 45));

  CHECK_FALSE(stub_offset(places, 0x11000));
  CHECK_FALSE(stub_offset(places, 0x11010));  // the jump
  CHECK(stub_offset(places, 0x11011) == 17);
  CHECK(stub_offset(places, 0x11015) == 21);
  CHECK_FALSE(stub_offset(places, 0x11016));  // within `syscall`
  CHECK(stub_offset(places, 0x11017) == 34);
  CHECK_FALSE(stub_offset(places, 0x1101d));  // behind the window
  CHECK(stub_offset(places, 0x11fff) == 58);
  CHECK_FALSE(stub_offset(places, 0x12005));
  CHECK_FALSE(stub_offset({}, 0x11011));
}

TEST_CASE("calls have their names") {
  CHECK(std::string_view(call_name(0)) == "read");
  CHECK(std::string_view(call_name(39)) == "getpid");
  CHECK(std::string_view(call_name(334)) == "rseq");
  CHECK(call_name(335) == nullptr);
  CHECK(call_name(423) == nullptr);
  CHECK(std::string_view(call_name(435)) == "clone3");
  CHECK(call_name(1000) == nullptr);
}
