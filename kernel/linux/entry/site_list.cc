#include "linux/entry/site_list.hh"

#include <cstring>

namespace plumbline::linux_abi {
namespace {

constexpr char kMagic[] = {'P', 'L', 'S', 'I', 'T', 'E', 'S', '1'};
constexpr std::size_t kCountOffset = 8;
// A jump with a 32-bit distance, and the longest instruction.
constexpr unsigned kShortest = 5, kLongest = 15;
constexpr unsigned kSyscallLength = 2;

template <typename T>
T get(std::span<const std::byte> bytes, std::size_t offset) {
  T value;
  std::memcpy(&value, bytes.subspan(offset, sizeof value).data(), sizeof value);
  return value;
}

}  // namespace

std::optional<SiteList> SiteList::parse(std::span<const std::byte> bytes) {
  if (bytes.size() < kHeader || std::memcmp(bytes.data(), kMagic, sizeof kMagic) != 0) return {};
  const auto count = get<std::uint32_t>(bytes, kCountOffset);
  const auto records = bytes.subspan(kHeader);
  if (records.size() % kRecord != 0 || records.size() / kRecord != count) return {};
  std::uint64_t end = 0;
  for (std::size_t at = 0; at < records.size(); at += kRecord) {
    const SiteList one(records.subspan(at, kRecord));
    const CallSite site = one[0];
    if (site.window < end || site.length < kShortest || site.length > kLongest ||
        site.offset + kSyscallLength > site.length || get<std::uint16_t>(records, at + 6) != 0)
      return {};
    end = std::uint64_t{site.window} + site.length;
  }
  return SiteList(records);
}

CallSite SiteList::operator[](std::size_t index) const {
  const std::size_t at = index * kRecord;
  return {get<std::uint32_t>(records_, at), get<std::uint8_t>(records_, at + 4),
          get<std::uint8_t>(records_, at + 5)};
}

}  // namespace plumbline::linux_abi
