// pipe(2), eventfd(2).
#include <array>

#include "fs/eventfd.hh"
#include "fs/pipe.hh"
#include "linux/call.hh"
#include "linux/events/descriptors.hh"
#include "memory/application_memory.hh"

namespace plumbline::linux_abi {
namespace {

Status call_pipe2(std::uint64_t address, unsigned flags) {
  if ((flags & ~(kOpenNonblocking | kOpenCloseOnExec | kOpenDirect)) != 0) return Errno::kEINVAL;
  const bool close_on_exec = (flags & kOpenCloseOnExec) != 0;
  Result<PipeEnds> ends = create_pipe(flags);
  if (!ends) return ends.error();
  DescriptorTable& table = *current_process().descriptors;
  const Result<int> reader = install_descriptor(std::move(ends->reader), close_on_exec);
  if (!reader) return reader.error();
  const Result<int> writer = install_descriptor(std::move(ends->writer), close_on_exec);
  Status status = writer ? Status{} : writer.error();
  if (status) status = store_application(address, std::array<int, 2>{*reader, *writer});
  if (!status) {
    static_cast<void>(table.close(*reader));
    if (writer) static_cast<void>(table.close(*writer));
  }
  return status;
}

Status call_pipe(std::uint64_t address) { return call_pipe2(address, 0); }

Result<int> call_eventfd2(unsigned initial, int flags) {
  constexpr int kSemaphore = 1;
  const auto status = static_cast<std::uint32_t>(flags & ~kSemaphore);
  if ((status & ~(kOpenNonblocking | kOpenCloseOnExec)) != 0) return Errno::kEINVAL;
  return open_new<EventCounter>((status & kOpenCloseOnExec) != 0, initial,
                                (flags & kSemaphore) != 0, status & kOpenNonblocking);
}

Result<int> call_eventfd(unsigned initial) { return call_eventfd2(initial, 0); }

LINUX_CALL(22, pipe, call_pipe);
LINUX_CALL(293, pipe2, call_pipe2);
LINUX_CALL(284, eventfd, call_eventfd);
LINUX_CALL(290, eventfd2, call_eventfd2);

}  // namespace
}  // namespace plumbline::linux_abi
