// What a program finds on its stack when it starts (System V ABI, AMD64 supplement, 3.4.1).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "core/assert.hh"
#include "linux/loader/string_list.hh"

namespace plumbline::linux_abi {

// Keys of the auxiliary vector (Linux, include/uapi/linux/auxvec.h and arch/x86's).
enum class Auxiliary : std::uint64_t {
  kEnd = 0,
  kProgramHeaders = 3,
  kProgramHeaderSize = 4,
  kProgramHeaderCount = 5,
  kPageSize = 6,
  kBase = 7,
  kFlags = 8,
  kEntry = 9,
  kUser = 11,
  kEffectiveUser = 12,
  kGroup = 13,
  kEffectiveGroup = 14,
  kPlatform = 15,
  kCapabilities = 16,
  kClockTicks = 17,
  kSecure = 23,
  kRandom = 25,
  kCapabilities2 = 26,
  kProgramPath = 31,
  kVdso = 33,
  kSignalFrameSize = 51,
};

struct AuxiliaryEntry {
  Auxiliary key;
  std::uint64_t value;
};

class AuxiliaryVector {
 public:
  void add(Auxiliary key, std::uint64_t value) {
    ASSERT(count_ < entries_.size());
    entries_[count_++] = {key, value};
  }
  std::span<AuxiliaryEntry> entries() { return {entries_.data(), count_}; }

 private:
  std::array<AuxiliaryEntry, 32> entries_;
  std::size_t count_ = 0;
};

struct InitialStackContent {
  const StringList& arguments;
  const StringList& environment;
  std::string_view program_path;
  std::array<std::uint8_t, 16> random;
  // kPlatform, kRandom and kProgramPath are filled in here; kEnd is added.
  AuxiliaryVector& auxiliary;
};

// Bytes that the content takes, at most.
std::size_t initial_stack_size(const InitialStackContent& content);

struct InitialStack {
  std::uint64_t stack_pointer;  // 16-byte aligned; the argument count lies there
  // In the program's memory: argument strings, and the auxiliary vector with its end.
  std::uint64_t arguments, auxiliary;
  std::size_t auxiliary_size;
};

// Lays out `bytes`, which will be the stack's top `bytes.size()` bytes, ending at the address `top`
// (16-byte aligned, as is the size). Strings lie as Linux lays them: arguments, environment, path.
InitialStack build_initial_stack(InitialStackContent& content, std::span<std::byte> bytes,
                                 std::uint64_t top);

}  // namespace plumbline::linux_abi
