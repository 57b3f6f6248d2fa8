#include "linux/events/signal_file.hh"

#include <cstring>
#include <span>

#include "fs/io_cursor.hh"
#include "linux/call.hh"
#include "linux/events/descriptors.hh"
#include "linux/signal/signal_numbers.hh"
#include "linux/signal/signals.hh"
#include "memory/application_memory.hh"

namespace plumbline::linux_abi {
namespace {

// struct signalfd_siginfo (Linux, include/uapi/linux/signalfd.h).
struct SignalRecord {
  std::uint32_t signal;
  std::int32_t error, code;
  std::uint32_t process, user;
  std::int32_t descriptor;
  std::uint32_t timer;
  std::uint32_t band;
  std::uint32_t overrun;
  std::uint32_t trap;
  std::int32_t status;
  std::int32_t value;
  std::uint64_t pointer;
  std::uint64_t user_time, system_time;
  std::uint64_t address;
  std::uint8_t padding[48];
};
static_assert(sizeof(SignalRecord) == 128);

constexpr std::uint32_t low(std::uint64_t field) { return static_cast<std::uint32_t>(field); }
constexpr std::uint32_t high(std::uint64_t field) {
  return static_cast<std::uint32_t>(field >> 32);
}
constexpr std::int32_t as_signed(std::uint32_t value) { return static_cast<std::int32_t>(value); }

// siginfo's union means something else for each kind of signal; here each meaning has a place.
SignalRecord to_record(const SignalInformation& information) {
  SignalRecord record{};
  record.signal = static_cast<std::uint32_t>(information.signal);
  record.error = information.error;
  record.code = information.code;
  const auto& fields = information.fields;
  if (information.code == kCodeTimer) {
    record.timer = low(fields[0]);
    record.overrun = high(fields[0]);
    record.value = as_signed(low(fields[1]));
    record.pointer = fields[1];
    return record;
  }
  const bool sent = information.code <= 0;
  if (!sent && (kSynchronous & signal_bit(record.signal)) != 0) {
    record.address = fields[0];
    return record;
  }
  if (!sent && record.signal == kSIGIO) {
    record.band = low(fields[0]);
    record.descriptor = as_signed(low(fields[1]));
    return record;
  }
  record.process = low(fields[0]);
  record.user = high(fields[0]);
  if (!sent && record.signal == kSIGCHLD) {
    record.status = as_signed(low(fields[1]));
    record.user_time = fields[2];
    record.system_time = fields[3];
  } else if (information.code == kCodeQueue) {
    record.value = as_signed(low(fields[1]));
    record.pointer = fields[1];
  }
  return record;
}

Result<int> call_signalfd4(int descriptor, std::uint64_t mask_address, std::uint64_t size,
                           int flags) {
  const auto status = static_cast<std::uint32_t>(flags);
  if ((status & ~(kOpenNonblocking | kOpenCloseOnExec)) != 0 || size != sizeof(SignalMask))
    return Errno::kEINVAL;
  const Result<SignalMask> loaded = load_application<SignalMask>(mask_address);
  if (!loaded) return loaded.error();
  const SignalMask mask = *loaded & ~kUnblockable;
  if (descriptor == -1) {
    return open_new<SignalFile>((status & kOpenCloseOnExec) != 0, mask, status & kOpenNonblocking);
  }
  const Result<Ref<File>> file = find_file(descriptor);
  if (!file) return file.error();
  if ((*file)->kind() != &SignalFile::kKind) return Errno::kEINVAL;
  static_cast<SignalFile&>(**file).set_mask(mask);
  return descriptor;
}

Result<int> call_signalfd(int descriptor, std::uint64_t mask, std::uint64_t size) {
  return call_signalfd4(descriptor, mask, size, 0);
}

LINUX_CALL(282, signalfd, call_signalfd);
LINUX_CALL(289, signalfd4, call_signalfd4);

}  // namespace

const char SignalFile::kKind = 0;

void SignalFile::set_mask(SignalMask mask) {
  mask_.store(mask, std::memory_order_relaxed);
  // Those who wait look again.
  process_->signal_arrivals.notify(kPollIn);
}

PollEvents SignalFile::poll() {
  return (pending_signals() & mask_.load(std::memory_order_relaxed)) != 0 ? kPollIn : 0;
}

Result<std::size_t> SignalFile::read(IoCursor& to, std::uint64_t) {
  if (to.remaining() < sizeof(SignalRecord)) return Errno::kEINVAL;
  for (;;) {
    std::size_t total = 0;
    SignalInformation information;
    while (to.remaining() >= sizeof(SignalRecord) &&
           dequeue_signal(mask_.load(std::memory_order_relaxed), information)) {
      const SignalRecord record = to_record(information);
      if (to.put(std::as_bytes(std::span(&record, 1))) != sizeof record) {
        if (total == 0) return Errno::kEFAULT;
        return total;
      }
      total += sizeof record;
    }
    if (total != 0) return total;
    if (nonblocking()) return Errno::kEAGAIN;
    PollRequest request;
    request.file = this;
    request.wanted = kPollIn;
    const Result<unsigned> waited = poll_files({&request, 1}, Deadline::never());
    if (!waited) return waited.error();
  }
}

}  // namespace plumbline::linux_abi
