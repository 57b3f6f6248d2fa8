// select(2).
#include <algorithm>
#include <bit>

#include "fs/poll.hh"
#include "linux/call.hh"
#include "linux/events/descriptors.hh"
#include "linux/events/open_files.hh"
#include "linux/events/scratch_array.hh"
#include "linux/events/waits.hh"
#include "memory/application_memory.hh"

namespace plumbline::linux_abi {
namespace {

// Which events put a descriptor into which set (Linux, fs/select.c).
constexpr PollEvents kInSet = kPollReadNormal | kPollReadBand | kPollIn | kPollHangup | kPollError;
constexpr PollEvents kOutSet = kPollWriteBand | kPollWriteNormal | kPollOut | kPollError;
constexpr PollEvents kExceptSet = kPollPriority;
constexpr PollEvents kSetEvents[3] = {kInSet, kOutSet, kExceptSet};

constexpr unsigned kWordBits = 64;

// The three sets of a call, one after the other: `words` words each.
class DescriptorSets {
 public:
  DescriptorSets(std::span<std::uint64_t> storage, const std::uint64_t (&addresses)[3], int count)
      : bits_(storage), words_(storage.size() / 3), addresses_(addresses), count_(count) {}

  Status load() {
    std::ranges::fill(bits_, 0);
    for (unsigned set = 0; set < 3; ++set) {
      if (addresses_[set] == 0) continue;
      const std::size_t length = words_ * sizeof(std::uint64_t);
      if (!is_application_range(addresses_[set], length) ||
          copy_from_application(&bits_[set * words_], addresses_[set], length) != length)
        return Errno::kEFAULT;
    }
    return {};
  }

  // What is wanted of a descriptor.
  PollEvents wanted(int descriptor) const {
    PollEvents events = 0;
    for (unsigned set = 0; set < 3; ++set) {
      if ((word(set, descriptor) & bit(descriptor)) != 0) events |= kSetEvents[set];
    }
    return events;
  }
  // The next descriptor from `from` on that is in a set, or -1.
  int next(int from) const {
    for (int at = from; at < count_;) {
      const auto index = static_cast<std::size_t>(at) / kWordBits;
      std::uint64_t any = bits_[index] | bits_[words_ + index] | bits_[2 * words_ + index];
      any &= ~std::uint64_t{0} << (static_cast<unsigned>(at) % kWordBits);
      if (any != 0) {
        at = static_cast<int>(index * kWordBits) + std::countr_zero(any);
        return at < count_ ? at : -1;
      }
      at = static_cast<int>((index + 1) * kWordBits);
    }
    return -1;
  }
  unsigned size() const {
    unsigned size = 0;
    for (int at = next(0); at >= 0; at = next(at + 1)) ++size;
    return size;
  }
  // Leaves a descriptor only in the sets that its events stand for; returns in how many.
  unsigned keep(int descriptor, PollEvents found) {
    unsigned kept = 0;
    for (unsigned set = 0; set < 3; ++set) {
      std::uint64_t& here = word(set, descriptor);
      if ((here & bit(descriptor)) == 0) continue;
      if ((found & kSetEvents[set]) != 0) {
        ++kept;
      } else {
        here &= ~bit(descriptor);
      }
    }
    return kept;
  }
  Status store() {
    for (unsigned set = 0; set < 3; ++set) {
      if (addresses_[set] == 0) continue;
      const std::size_t length = words_ * sizeof(std::uint64_t);
      if (copy_to_application(addresses_[set], &bits_[set * words_], length) != length)
        return Errno::kEFAULT;
    }
    return {};
  }

 private:
  static std::uint64_t bit(int descriptor) {
    return std::uint64_t{1} << (static_cast<unsigned>(descriptor) % kWordBits);
  }
  std::uint64_t& word(unsigned set, int descriptor) const {
    return bits_[set * words_ + static_cast<std::size_t>(descriptor) / kWordBits];
  }

  std::span<std::uint64_t> bits_;
  const std::size_t words_;
  const std::uint64_t (&addresses_)[3];
  const int count_;
};

Result<unsigned> select_once(int count, const std::uint64_t (&addresses)[3], Deadline deadline) {
  if (count < 0) return Errno::kEINVAL;
  count = std::min(count, DescriptorTable::kMost);
  // Up to 320 descriptors on the stack.
  const std::size_t words = (static_cast<std::size_t>(count) + kWordBits - 1) / kWordBits;
  ScratchArray<std::uint64_t, 15> storage(3 * words);
  if (!storage) return Errno::kENOMEM;
  DescriptorSets sets(storage.get(), addresses, count);
  if (const Status loaded = sets.load(); !loaded) return loaded.error();
  ScratchArray<PollRequest, 8> all_requests(sets.size());
  if (!all_requests) return Errno::kENOMEM;
  const OpenFiles files(all_requests.get());
  const std::span<PollRequest> requests = files.requests;
  std::size_t used = 0;
  for (int at = sets.next(0); at >= 0; at = sets.next(at + 1)) {
    Result<Ref<File>> file = find_file(at);
    if (!file) return file.error();
    PollRequest& request = requests[used++];
    request.file = file->leak();
    request.wanted = sets.wanted(at);
    request.always = 0;
  }
  const Result<unsigned> ready = poll_files(requests, deadline);
  if (!ready) return ready.error();
  unsigned kept = 0;
  used = 0;
  for (int at = sets.next(0); at >= 0; at = sets.next(at + 1))
    kept += sets.keep(at, requests[used++].found);
  if (const Status stored = sets.store(); !stored) return stored.error();
  return kept;
}

Result<unsigned> call_select(int count, std::uint64_t in, std::uint64_t out, std::uint64_t except,
                             std::uint64_t timeout) {
  Deadline deadline = Deadline::never();
  if (timeout != 0) {
    const Result<TimeValue> time = load_application<TimeValue>(timeout);
    if (!time) return time.error();
    // More than a second of microseconds is allowed here.
    if (time->seconds < 0 || time->microseconds < 0) return Errno::kEINVAL;
    const Result<Nanoseconds> span = from_timeval(
        {time->seconds + time->microseconds / 1'000'000, time->microseconds % 1'000'000});
    if (!span) return span.error();
    deadline = deadline_after(*span);
  }
  const std::uint64_t addresses[3] = {in, out, except};
  const Result<unsigned> ready =
      wait_uninterrupted([&] { return select_once(count, addresses, deadline); });
  store_time_left(timeout, deadline, to_timeval);
  return ready;
}

// The mask comes with its size in a structure, since a call has six arguments.
struct MaskArgument {
  std::uint64_t address, size;
};

Result<unsigned> call_pselect6(int count, std::uint64_t in, std::uint64_t out, std::uint64_t except,
                               std::uint64_t timeout, std::uint64_t mask_argument) {
  MaskArgument mask{};
  if (mask_argument != 0) {
    const Result<MaskArgument> loaded = load_application<MaskArgument>(mask_argument);
    if (!loaded) return loaded.error();
    mask = *loaded;
  }
  const Result<Deadline> deadline = load_deadline(timeout);
  if (!deadline) return deadline.error();
  const std::uint64_t addresses[3] = {in, out, except};
  const Result<unsigned> ready = wait_with_mask(
      mask.address, mask.size, [&] { return select_once(count, addresses, *deadline); });
  store_time_left(timeout, *deadline);
  return ready;
}

LINUX_CALL(23, select, call_select);
LINUX_CALL(270, pselect6, call_pselect6);

}  // namespace
}  // namespace plumbline::linux_abi
