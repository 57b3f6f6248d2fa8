#include "linux/entry/stub_places.hh"

#include <algorithm>

namespace plumbline::linux_abi {
namespace {

// The last place that does not begin beyond; null: there is none.
template <typename Begin>
const StubPlace* find(std::span<const StubPlace> places, std::uint64_t at, Begin begin) {
  const auto beyond = std::upper_bound(
      places.begin(), places.end(), at,
      [&](std::uint64_t value, const StubPlace& place) { return value < begin(place); });
  return beyond == places.begin() ? nullptr : &*(beyond - 1);
}

}  // namespace

std::optional<std::uint64_t> original_address(std::span<const StubPlace> places,
                                              std::uint64_t offset) {
  const StubPlace* place =
      find(places, offset, [](const StubPlace& p) { return std::uint64_t{p.stub}; });
  if (place == nullptr) return {};
  const CallSite& site = place->site;
  const std::uint64_t within = offset - place->stub;
  if (within <= site.offset) return site.window + within;
  if (within < site.offset + kStubCallLength) return std::uint64_t{site.window} + site.offset;
  const std::uint64_t original = within - kStubCallLength + kSyscallLength;
  // The jump back is the last.
  if (original > site.length) return {};
  return site.window + original;
}

std::optional<std::uint64_t> stub_offset(std::span<const StubPlace> places, std::uint64_t address) {
  const StubPlace* place =
      find(places, address, [](const StubPlace& p) { return std::uint64_t{p.site.window}; });
  if (place == nullptr) return {};
  const CallSite& site = place->site;
  const std::uint64_t within = address - site.window;
  if (within == 0 || within >= site.length) return {};
  if (within <= site.offset) return place->stub + within;
  if (within < site.offset + kSyscallLength) return {};
  return place->stub + within - kSyscallLength + kStubCallLength;
}

}  // namespace plumbline::linux_abi
