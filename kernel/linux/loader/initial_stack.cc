#include "linux/loader/initial_stack.hh"

#include <cstring>

#include "core/units.hh"

namespace plumbline::linux_abi {
namespace {

constexpr std::string_view kPlatformName = "x86_64";

// Writes downwards from the top, and knows the addresses that this will have.
class Writer {
 public:
  Writer(std::span<std::byte> bytes, std::uint64_t top)
      : bytes_(bytes), at_(bytes.size()), bottom_(top - bytes.size()) {}

  std::uint64_t put(const void* data, std::size_t size) {
    ASSERT(size <= at_);
    at_ -= size;
    if (size != 0) std::memcpy(bytes_.data() + at_, data, size);
    return address();
  }
  std::uint64_t put_string(std::string_view text) {
    const char zero = '\0';
    put(&zero, 1);
    return put(text.data(), text.size());
  }
  std::uint64_t put_word(std::uint64_t word) { return put(&word, sizeof word); }
  void align(std::uint64_t to) {
    const std::uint64_t padding = address() % to;
    ASSERT(padding <= at_);
    at_ -= padding;
  }
  std::uint64_t address() const { return bottom_ + at_; }

 private:
  std::span<std::byte> bytes_;
  std::size_t at_;
  std::uint64_t bottom_;
};

// Pointers to the strings that lie one after the other from `address` on; the null pointer ends
// them. Written from the last to the first.
void put_pointers(Writer& writer, const StringList& strings, std::uint64_t address) {
  writer.put_word(0);
  const char* data = strings.data();
  std::size_t end = strings.size();
  while (end != 0) {
    std::size_t begin = end - 1;
    while (begin != 0 && data[begin - 1] != '\0') --begin;
    writer.put_word(address + begin);
    end = begin;
  }
}

}  // namespace

std::size_t initial_stack_size(const InitialStackContent& content) {
  const std::size_t strings = content.arguments.size() + content.environment.size() +
                              content.program_path.size() + 1 + kPlatformName.size() + 1;
  const std::size_t pointers = content.arguments.count() + 1 + content.environment.count() + 1 + 1;
  const std::size_t auxiliary = (content.auxiliary.entries().size() + 4) * sizeof(AuxiliaryEntry);
  // And the null word at the very top, the random bytes, and room for alignment.
  return align_up(strings + pointers * 8 + auxiliary + 8 + 16 + 64, 16);
}

InitialStack build_initial_stack(InitialStackContent& content, std::span<std::byte> bytes,
                                 std::uint64_t top) {
  Writer writer(bytes, top);
  writer.put_word(0);
  const std::uint64_t path = writer.put_string(content.program_path);
  const std::uint64_t environment =
      writer.put(content.environment.data(), content.environment.size());
  const std::uint64_t arguments = writer.put(content.arguments.data(), content.arguments.size());
  const std::uint64_t platform = writer.put_string(kPlatformName);
  const std::uint64_t random = writer.put(content.random.data(), content.random.size());

  AuxiliaryVector& auxiliary = content.auxiliary;
  auxiliary.add(Auxiliary::kRandom, random);
  auxiliary.add(Auxiliary::kProgramPath, path);
  auxiliary.add(Auxiliary::kPlatform, platform);
  auxiliary.add(Auxiliary::kEnd, 0);
  const auto entries = auxiliary.entries();

  writer.align(16);
  // What follows ends with the count of arguments, whose address must be a multiple of 16.
  const std::size_t words = content.arguments.count() + 1 + content.environment.count() + 1 + 1;
  if (words % 2 != 0) writer.put_word(0);
  InitialStack result;
  result.auxiliary = writer.put(entries.data(), entries.size_bytes());
  result.auxiliary_size = entries.size_bytes();
  put_pointers(writer, content.environment, environment);
  put_pointers(writer, content.arguments, arguments);
  result.stack_pointer = writer.put_word(content.arguments.count());
  result.arguments = arguments;
  ASSERT(result.stack_pointer % 16 == 0);
  return result;
}

}  // namespace plumbline::linux_abi
