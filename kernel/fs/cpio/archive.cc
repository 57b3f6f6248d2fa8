#include "fs/cpio/archive.hh"

#include <cstring>

#include "core/units.hh"
#include "fs/device_files.hh"

namespace plumbline {
namespace {

constexpr std::size_t kHeader = 110, kMagic = 6, kDigits = 8;
// Order of the numbers in a header.
enum Field : unsigned {
  kInode,
  kMode,
  kUser,
  kGroup,
  kLinks,
  kModified,
  kSize,
  kMajor,
  kMinor,
  kSpecialMajor,
  kSpecialMinor,
  kNameSize,
  kChecksum,
  kFields
};

// Names may be padded with zeros up to a page, so that the data is aligned.
constexpr std::size_t kMostNameSize = kLongestPath + kPageSize;

bool parse_hexadecimal(const char* text, std::uint32_t& value) {
  value = 0;
  for (std::size_t i = 0; i < kDigits; ++i) {
    const char c = text[i];
    unsigned digit;
    if (c >= '0' && c <= '9') {
      digit = static_cast<unsigned>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      digit = static_cast<unsigned>(c - 'a') + 10;
    } else if (c >= 'A' && c <= 'F') {
      digit = static_cast<unsigned>(c - 'A') + 10;
    } else {
      return false;
    }
    value = value << 4 | digit;
  }
  return true;
}

}  // namespace

Errno ArchiveReader::fail(const char* error) {
  error_ = error;
  return Errno::kEINVAL;
}

Result<bool> ArchiveReader::next(ArchiveEntry& entry) {
  for (;;) {
    while (at_ < archive_.size() && archive_[at_] == std::byte{0}) ++at_;
    if (at_ == archive_.size()) return false;
    const std::size_t left = archive_.size() - at_;
    const auto* const header = reinterpret_cast<const char*>(archive_.data() + at_);
    if (left < kHeader) return fail("the archive ends within a header");
    if (std::memcmp(header, "070701", kMagic) != 0 && std::memcmp(header, "070702", kMagic) != 0)
      return fail("no newc header (070701)");
    std::uint32_t fields[kFields];
    for (unsigned i = 0; i < kFields; ++i) {
      if (!parse_hexadecimal(header + kMagic + i * kDigits, fields[i]))
        return fail("a header's number is not hexadecimal");
    }
    const std::size_t name_size = fields[kNameSize], size = fields[kSize];
    if (name_size == 0 || name_size > kMostNameSize) return fail("a name is too long or empty");
    if (name_size > left - kHeader) return fail("the archive ends within a name");
    if (header[kHeader + name_size - 1] != '\0') return fail("a name does not end with a zero");
    // Padded to four bytes, counted from the archive's beginning.
    const std::size_t data_at = align_up(at_ + kHeader + name_size, 4);
    if (data_at > archive_.size() || size > archive_.size() - data_at)
      return fail("the archive ends within a file's data");
    entry.name = {header + kHeader, strnlen(header + kHeader, name_size)};
    const std::size_t next_at = align_up(data_at + size, 4);
    if (entry.name == "TRAILER!!!") {
      ++archive_number_;
      at_ = next_at < archive_.size() ? next_at : archive_.size();
      continue;
    }
    entry.mode = fields[kMode];
    entry.user = fields[kUser];
    entry.group = fields[kGroup];
    entry.links = fields[kLinks];
    entry.modified = fields[kModified];
    // Device numbers of packed file systems are small; what does not fit only makes two files look
    // like one when all the rest is equal as well.
    entry.file_number = archive_number_ << 48 ^
                        (std::uint64_t{fields[kMajor]} << 8 ^ fields[kMinor]) << 32 ^
                        fields[kInode];
    entry.device = device_number(fields[kSpecialMajor], fields[kSpecialMinor]);
    entry.data = archive_.subspan(data_at, size);
    at_ = next_at < archive_.size() ? next_at : archive_.size();
    return true;
  }
}

}  // namespace plumbline
