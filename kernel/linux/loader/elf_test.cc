#include "linux/loader/elf.hh"

#include <doctest/doctest.h>

#include <cstring>
#include <string>
#include <vector>

namespace plumbline::linux_abi {
namespace {

class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(std::vector<std::byte>& bytes) : bytes_(bytes) {}
  std::uint64_t size() const override { return bytes_.size(); }
  bool read(std::uint64_t offset, std::span<std::byte> to) override {
    if (offset > bytes_.size() || to.size() > bytes_.size() - offset) return false;
    if (!to.empty()) std::memcpy(to.data(), bytes_.data() + offset, to.size());
    return true;
  }

 private:
  std::vector<std::byte>& bytes_;
};

// A program as the linker makes them: headers and text, data with zeros behind, an interpreter.
struct File {
  std::vector<std::byte> bytes = std::vector<std::byte>(0x3000);

  template <typename T>
  void put(std::size_t offset, T value) {
    std::memcpy(bytes.data() + offset, &value, sizeof value);
  }
  void put_header(unsigned index, std::uint32_t type, std::uint32_t flags, std::uint64_t offset,
                  std::uint64_t address, std::uint64_t file_size, std::uint64_t memory_size,
                  std::uint64_t alignment = 0x1000) {
    const std::size_t at = 64 + std::size_t{56} * index;
    put<std::uint32_t>(at, type);
    put<std::uint32_t>(at + 4, flags);
    put(at + 8, offset);
    put(at + 16, address);
    put(at + 24, address);
    put(at + 32, file_size);
    put(at + 40, memory_size);
    put(at + 48, alignment);
  }
  File() {
    const unsigned char identification[] = {0x7f, 'E', 'L', 'F', 2, 1, 1, 0};
    std::memcpy(bytes.data(), identification, sizeof identification);
    put<std::uint16_t>(16, 3);
    put<std::uint16_t>(18, 62);
    put<std::uint32_t>(20, 1);
    put<std::uint64_t>(24, 0x1040);
    put<std::uint64_t>(32, 64);
    put<std::uint16_t>(52, 64);
    put<std::uint16_t>(54, 56);
    put<std::uint16_t>(56, 4);
    put_header(0, 3, 4, 0x200, 0x200, 10, 10, 1);
    std::memcpy(bytes.data() + 0x200, "/lib/ld.so", 10);
    bytes[0x209] = std::byte{0};
    put_header(1, 1, 4, 0, 0, 0x300, 0x300);
    put_header(2, 1, 5, 0x1000, 0x1000, 0x800, 0x800);
    put_header(3, 1, 6, 0x2010, 0x3010, 0x100, 0x5000);
  }
  LoadError parse(ElfImage& image) {
    MemorySource source(bytes);
    return parse_elf(source, image);
  }
  Errno error() {
    ElfImage image;
    const LoadError result = parse(image);
    if (result) CHECK(result.reason != nullptr);
    return result.error;
  }
};

}  // namespace

TEST_CASE("a position independent program") {
  File file;
  ElfImage image;
  REQUIRE_FALSE(file.parse(image));
  CHECK(image.position_independent);
  CHECK(image.entry == 0x1040);
  CHECK(image.segment_count == 3);
  CHECK(image.begin == 0);
  CHECK(image.end == 0x9000);
  CHECK(image.program_headers == 64);
  CHECK(image.program_header_count == 4);
  CHECK(image.interpreter_offset == 0x200);
  CHECK(image.interpreter_length == 10);
  CHECK(image.segments[1].protection == (1 | 4));
  CHECK(image.segments[2].protection == (1 | 2));
}

TEST_CASE("what is no program of this machine") {
  SUBCASE("empty") {
    File file;
    file.bytes.clear();
    CHECK(file.error() == Errno::kENOEXEC);
  }
  SUBCASE("text") {
    File file;
    std::memcpy(file.bytes.data(), "hello", 5);
    CHECK(file.error() == Errno::kENOEXEC);
  }
  SUBCASE("32 bits") {
    File file;
    file.bytes[4] = std::byte{1};
    CHECK(file.error() == Errno::kENOEXEC);
  }
  SUBCASE("another machine") {
    File file;
    file.put<std::uint16_t>(18, 183);
    CHECK(file.error() == Errno::kENOEXEC);
  }
  SUBCASE("an object file") {
    File file;
    file.put<std::uint16_t>(16, 1);
    CHECK(file.error() == Errno::kENOEXEC);
  }
}

TEST_CASE("a truncated file is refused wherever it ends") {
  for (std::size_t size = 0; size < 0x2110; size += 13) {
    CAPTURE(size);
    File file;
    file.bytes.resize(size);
    CHECK(file.error() == Errno::kENOEXEC);
  }
  File file;
  file.bytes.resize(0x2110);
  CHECK(file.error() == Errno::kNone);
}

TEST_CASE("malformed segments") {
  SUBCASE("larger in the file than in memory") {
    File file;
    file.put_header(2, 1, 5, 0x1000, 0x1000, 0x800, 0x700);
    CHECK(file.error() == Errno::kEINVAL);
  }
  SUBCASE("beyond the programs' addresses") {
    File file;
    file.put_header(3, 1, 6, 0x2010, 0xffff'8000'0000'0010, 0x100, 0x5000);
    CHECK(file.error() == Errno::kEINVAL);
    file.put_header(3, 1, 6, 0x2010, 0x3010, 0x100, ~std::uint64_t{0});
    CHECK(file.error() == Errno::kEINVAL);
  }
  SUBCASE("offset and address disagree") {
    File file;
    file.put_header(3, 1, 6, 0x2018, 0x3010, 0x100, 0x5000);
    CHECK(file.error() == Errno::kEINVAL);
  }
  SUBCASE("overlapping") {
    File file;
    file.put_header(3, 1, 6, 0x2010, 0x1010, 0x100, 0x5000);
    CHECK(file.error() == Errno::kEINVAL);
  }
  SUBCASE("fixed below what programs may use") {
    File file;
    file.put<std::uint16_t>(16, 2);
    CHECK(file.error() == Errno::kEINVAL);
  }
  SUBCASE("offsets that wrap") {
    File file;
    file.put_header(3, 1, 6, ~std::uint64_t{0} - 0xfef, 0x3010, 0x100, 0x5000);
    CHECK(file.error() == Errno::kENOEXEC);
    file.put<std::uint64_t>(32, ~std::uint64_t{0} - 60);
    CHECK(file.error() == Errno::kENOEXEC);
  }
  SUBCASE("entry outside") {
    File file;
    file.put<std::uint64_t>(24, 0x9000);
    CHECK(file.error() == Errno::kEINVAL);
  }
  SUBCASE("strange alignment") {
    File file;
    file.put_header(2, 1, 5, 0x1000, 0x1000, 0x800, 0x800, 0x1800);
    CHECK(file.error() == Errno::kEINVAL);
  }
  SUBCASE("an interpreter's path without an end") {
    File file;
    file.bytes[0x209] = std::byte{'x'};
    CHECK(file.error() == Errno::kENOEXEC);
  }
}

}  // namespace plumbline::linux_abi
