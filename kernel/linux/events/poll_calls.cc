// poll(2).
#include <cstddef>

#include "fs/poll.hh"
#include "linux/call.hh"
#include "linux/events/descriptors.hh"
#include "linux/events/open_files.hh"
#include "linux/events/scratch_array.hh"
#include "linux/events/waits.hh"
#include "memory/application_memory.hh"

namespace plumbline::linux_abi {
namespace {

// struct pollfd.
struct PollDescriptor {
  std::int32_t descriptor;
  std::uint16_t events;
  std::uint16_t found;
};
static_assert(sizeof(PollDescriptor) == 8);

// What fits on the stack beside the entries of poll_files; most calls ask about one to three.
constexpr std::size_t kFew = 8;

Result<unsigned> poll_descriptors(std::uint64_t address, std::span<PollDescriptor> descriptors,
                                  std::span<PollRequest> requests, Deadline deadline) {
  const std::size_t length = descriptors.size_bytes();
  if (!is_application_range(address, length) ||
      copy_from_application(descriptors.data(), address, length) != length)
    return Errno::kEFAULT;
  const OpenFiles files(requests);
  unsigned invalid = 0;
  for (std::size_t i = 0; i < descriptors.size(); ++i) {
    if (descriptors[i].descriptor < 0) continue;
    Result<Ref<File>> file = find_file(descriptors[i].descriptor);
    if (!file) {
      requests[i].found = kPollInvalid;
      ++invalid;
      continue;
    }
    requests[i].file = file->leak();
    requests[i].wanted = descriptors[i].events;
  }
  // A wrong descriptor is an answer too: the others are only looked at.
  if (invalid != 0) deadline = Deadline{};
  const Result<unsigned> ready = poll_files(requests, deadline);
  if (!ready) return ready.error();
  for (std::size_t i = 0; i < descriptors.size(); ++i) {
    const auto found = static_cast<std::uint16_t>(requests[i].found);
    // Only this field: another thread may change the rest meanwhile.
    const std::uint64_t field =
        address + i * sizeof(PollDescriptor) + offsetof(PollDescriptor, found);
    if (const Status stored = store_application(field, found); !stored) return stored.error();
  }
  return *ready + invalid;
}

Result<unsigned> poll_once(std::uint64_t address, unsigned count, Deadline deadline) {
  if (count > static_cast<unsigned>(descriptor_limit())) return Errno::kEINVAL;
  ScratchArray<PollDescriptor, kFew> descriptors(count);
  ScratchArray<PollRequest, kFew> requests(count);
  if (!descriptors || !requests) return Errno::kENOMEM;
  return poll_descriptors(address, descriptors.get(), requests.get(), deadline);
}

Result<unsigned> call_poll(std::uint64_t address, unsigned count, int timeout) {
  const Deadline deadline = deadline_from_milliseconds(timeout);
  return wait_uninterrupted([&] { return poll_once(address, count, deadline); });
}

Result<unsigned> call_ppoll(std::uint64_t address, unsigned count, std::uint64_t timeout,
                            std::uint64_t mask, std::uint64_t mask_size) {
  const Result<Deadline> deadline = load_deadline(timeout);
  if (!deadline) return deadline.error();
  const Result<unsigned> ready =
      wait_with_mask(mask, mask_size, [&] { return poll_once(address, count, *deadline); });
  store_time_left(timeout, *deadline);
  return ready;
}

LINUX_CALL(7, poll, call_poll);
LINUX_CALL(271, ppoll, call_ppoll);

}  // namespace
}  // namespace plumbline::linux_abi
