// A small ELF object for tests: headers, a build-id note, and code from 0x1000 on at 0x11000.
#pragma once

#include <elf.h>

#include <cstring>
#include <map>
#include <memory>
#include <vector>

#include "core/units.hh"
#include "linux/entry/stub_code.hh"

namespace plumbline::linux_abi {

inline constexpr std::uint64_t kTestCodeOffset = 0x1000, kTestCodeAddress = 0x11000;

inline std::vector<std::byte> test_object(std::size_t code_pages) {
  std::vector<std::byte> file(kTestCodeOffset + code_pages * kPageSize);
  const auto put = [&](std::size_t offset, const auto& value) {
    std::memcpy(file.data() + offset, &value, sizeof value);
  };
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_machine = EM_X86_64;
  header.e_phoff = sizeof header;
  header.e_phentsize = sizeof(Elf64_Phdr);
  header.e_phnum = 3;
  put(0, header);
  Elf64_Phdr program{};
  program.p_type = PT_LOAD;
  program.p_flags = PF_R;
  program.p_vaddr = 0x10000;
  program.p_filesz = 0x400;
  put(64, program);
  program.p_flags = PF_R | PF_X;
  program.p_offset = kTestCodeOffset;
  program.p_vaddr = kTestCodeAddress;
  program.p_filesz = code_pages * kPageSize;
  put(64 + sizeof program, program);
  program.p_type = PT_NOTE;
  program.p_offset = 0x300;
  program.p_filesz = 16 + 20 + 36;
  put(64 + 2 * sizeof program, program);
  // Another note comes first.
  put(0x300, Elf64_Nhdr{4, 20, 5});
  put(0x30c, "GNU");
  put(0x324, Elf64_Nhdr{4, 20, NT_GNU_BUILD_ID});
  put(0x330, "GNU");
  for (unsigned char i = 0; i < 20; ++i) put(0x334 + i, i);
  return file;
}

inline std::vector<std::byte> test_list(const std::vector<CallSite>& sites) {
  std::vector<std::byte> list(12 + 8 * sites.size());
  std::memcpy(list.data(), "PLSITES1", 8);
  const auto count = static_cast<std::uint32_t>(sites.size());
  std::memcpy(list.data() + 8, &count, sizeof count);
  for (std::size_t i = 0; i < sites.size(); ++i) {
    std::memcpy(list.data() + 12 + 8 * i, &sites[i].window, 4);
    list[12 + 8 * i + 4] = std::byte{sites[i].length};
    list[12 + 8 * i + 5] = std::byte{sites[i].offset};
  }
  return list;
}

// Private copies of a file's pages.
class TestPages final : public CodePages {
 public:
  explicit TestPages(std::vector<std::byte> file) : file_(std::move(file)) {}
  std::byte* page(std::uint64_t index) override {
    if (index >= file_.size() / kPageSize) return nullptr;
    auto& copy = copies[index];
    if (copy == nullptr) {
      copy = std::make_unique<std::byte[]>(kPageSize);
      std::memcpy(copy.get(), file_.data() + index * kPageSize, kPageSize);
    }
    return copy.get();
  }
  std::map<std::uint64_t, std::unique_ptr<std::byte[]>> copies;

 private:
  std::vector<std::byte> file_;
};

}  // namespace plumbline::linux_abi
