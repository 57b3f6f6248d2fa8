// Any bytes as an ELF file: the parser reads nothing outside of them, and what it accepts can be
// mapped without further checks.
#include <cstdlib>
#include <cstring>

#include "linux/loader/elf.hh"
#include "linux/loader/script.hh"
#include "memory/application_memory.hh"

using namespace plumbline;
using namespace plumbline::linux_abi;

namespace {

class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(std::span<const std::byte> bytes) : bytes_(bytes) {}
  std::uint64_t size() const override { return bytes_.size(); }
  bool read(std::uint64_t offset, std::span<std::byte> to) override {
    if (offset > bytes_.size() || to.size() > bytes_.size() - offset) return false;
    if (!to.empty()) std::memcpy(to.data(), bytes_.data() + offset, to.size());
    return true;
  }

 private:
  std::span<const std::byte> bytes_;
};

void check(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  MemorySource source(std::as_bytes(std::span(data, size)));
  ElfImage image;
  if (const LoadError error = parse_elf(source, image); !error) {
    check(image.segment_count != 0 && image.begin < image.end && image.end <= kApplicationEnd + 1);
    check(image.position_independent || image.begin >= kApplicationBegin);
    check(image.entry >= image.begin && image.entry < image.end);
    std::uint64_t end = image.begin;
    for (const ElfSegment& segment : image.all_segments()) {
      check(segment.address >= end);
      check(segment.file_size <= segment.memory_size);
      check(segment.offset <= size && segment.file_size <= size - segment.offset);
      end = segment.address + segment.memory_size;
      check(end <= image.end);
    }
    check(image.interpreter_length <= size);
  } else {
    check(error.reason != nullptr);
  }
  const std::size_t line_size = size < kScriptLineMost ? size : kScriptLineMost;
  const std::span line(reinterpret_cast<const char*>(data), line_size);
  ScriptLine script;
  if (is_script(line) && !parse_script(line, script)) check(!script.interpreter.empty());
  return 0;
}
