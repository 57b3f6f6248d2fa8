// ioctl(2) on both ends (tty_ioctl(4); numbers: Linux, include/uapi/asm-generic/ioctls.h).
#include "linux/terminals/terminal.hh"
#include "memory/application_memory.hh"
#include "sync/lock_guard.hh"

namespace plumbline::linux_abi {
namespace {

constexpr std::uint32_t kGetSettings = 0x5401, kSetSettings = 0x5402, kSetSettingsDrain = 0x5403,
                        kSetSettingsFlush = 0x5404, kGetSettings2 = 0x802c'542a,
                        kSetSettings2 = 0x402c'542b, kSetSettings2Drain = 0x402c'542c,
                        kSetSettings2Flush = 0x402c'542d;
constexpr std::uint32_t kSendBreak = 0x5409, kFlow = 0x540a, kFlush = 0x540b, kExclusive = 0x540c,
                        kNotExclusive = 0x540d, kTakeControl = 0x540e, kGetForeground = 0x540f,
                        kSetForeground = 0x5410, kOutputQueued = 0x5411, kTypeByte = 0x5412,
                        kGetWindow = 0x5413, kSetWindow = 0x5414, kInputQueued = 0x541b,
                        kGiveUpControl = 0x5422, kGetDiscipline = 0x5424, kSendBreakPosix = 0x5425,
                        kGetSession = 0x5429, kGetExclusive = 0x8004'5440;
// The master's.
constexpr std::uint32_t kGetNumber = 0x8004'5430, kSetLock = 0x4004'5431, kGetLock = 0x8004'5439,
                        kSendSignal = 0x4004'5436, kOpenPeer = 0x5441;

template <typename T>
Result<long> stored(std::uint64_t address, const T& value) {
  if (const Status status = store_application(address, value); !status) return status.error();
  return 0L;
}
Result<long> done(const Status& status) {
  if (!status) return status.error();
  return 0L;
}

Status store_settings(std::uint64_t address, const TerminalSettings& settings, bool with_speeds) {
  const std::size_t length = with_speeds ? sizeof settings : kSettingsWithoutSpeeds;
  if (!is_application_range(address, length) ||
      copy_to_application(address, &settings, length) != length)
    return Errno::kEFAULT;
  return {};
}

}  // namespace

Status Terminal::change_settings(std::uint64_t argument, bool with_speeds, bool flush) {
  TerminalSettings wanted;
  {
    const LockGuard guard(lock_);
    wanted = discipline_.settings();
  }
  const std::size_t length = with_speeds ? sizeof wanted : kSettingsWithoutSpeeds;
  if (!is_application_range(argument, length) ||
      copy_from_application(&wanted, argument, length) != length)
    return Errno::kEFAULT;
  {
    const LockGuard guard(lock_);
    if (flush) {
      discipline_.clear_input();
      typed_.clear();
    }
    discipline_.change(accepted_settings(wanted));
    digest();
  }
  changed();
  return {};
}

Result<long> Terminal::settings_request(const User& user, std::uint32_t request,
                                        std::uint64_t argument) {
  if (request == kGetSettings || request == kGetSettings2) {
    TerminalSettings settings;
    {
      const LockGuard guard(lock_);
      settings = discipline_.settings();
    }
    return done(store_settings(argument, settings, request == kGetSettings2));
  }
  // Through the master as well: the settings are the slave's.
  const User as_slave{TerminalEnd::kSlave, user.generation, user.nonblocking};
  if (const Status status = check_background(as_slave, kBackgroundWriteSignal); !status)
    return status.error();
  const bool with_speeds =
      request == kSetSettings2 || request == kSetSettings2Drain || request == kSetSettings2Flush;
  // Draining needs nothing: what has been written has arrived.
  return done(change_settings(argument, with_speeds,
                              request == kSetSettingsFlush || request == kSetSettings2Flush));
}

Status Terminal::change_window(std::uint64_t argument) {
  const Result<WindowSize> size = load_application<WindowSize>(argument);
  if (!size) return size.error();
  const LockGuard guard(lock_);
  if (*size == window_) return {};
  window_ = *size;
  signal_group(foreground_, kWindowSignal);
  return {};
}

Status Terminal::control_flow(const User& user, std::uint64_t action) {
  // TCOOFF, TCOON, TCIOFF, TCION (tcflow(3)).
  if (action > 3) return Errno::kEINVAL;
  if (const Status status = check_background(user, kBackgroundWriteSignal); !status) return status;
  {
    const LockGuard guard(lock_);
    const auto& characters = discipline_.settings().characters;
    if (user.end == TerminalEnd::kMaster) {
      // Its own direction has no line discipline to hold back.
      if (action >= 2) typed_.push(characters[action == 2 ? kStop : kStart]);
      digest();
    } else if (action == 0) {
      discipline_.stop(true);
    } else if (action == 1) {
      discipline_.start(true);
    } else if (const std::uint8_t byte = characters[action == 2 ? kStop : kStart];
               byte != kDisabled) {
      discipline_.send(byte);
    }
  }
  changed();
  return {};
}

Status Terminal::flush(const User& user, std::uint64_t queue) {
  // TCIFLUSH, TCOFLUSH, TCIOFLUSH (tcflush(3)).
  if (queue > 2) return Errno::kEINVAL;
  if (const Status status = check_background(user, kBackgroundWriteSignal); !status) return status;
  // Output has arrived at the other end and is not taken back.
  if (queue == 1) return {};
  {
    const LockGuard guard(lock_);
    if (user.end == TerminalEnd::kMaster) {
      discipline_.clear_output();
    } else {
      discipline_.clear_input();
      typed_.clear();
    }
  }
  changed();
  return {};
}

Result<long> Terminal::master_request(std::uint32_t request, std::uint64_t argument) {
  switch (request) {
    case kGetNumber:
      return stored(argument, number_);
    case kSetLock: {
      const Result<int> locked = load_application<int>(argument);
      if (!locked) return locked.error();
      const LockGuard guard(lock_);
      locked_ = *locked != 0;
      return 0L;
    }
    case kGetLock: {
      lock_.lock();
      const int locked = locked_ ? 1 : 0;
      lock_.unlock();
      return stored(argument, locked);
    }
    case kSendSignal: {
      if (argument < 1 || argument > 64) return Errno::kEINVAL;
      const LockGuard guard(lock_);
      signal_group(foreground_, static_cast<unsigned>(argument));
      return 0L;
    }
    case kOpenPeer: {
      const Result<int> descriptor =
          open_peer_descriptor(Ref<Terminal>::share(this), static_cast<std::uint32_t>(argument));
      if (!descriptor) return descriptor.error();
      return static_cast<long>(*descriptor);
    }
    default:
      return Errno::kENOTTY;
  }
}

Result<long> Terminal::job_request(const User& user, std::uint32_t request,
                                   std::uint64_t argument) {
  switch (request) {
    case kTakeControl:
      return done(take_control(user, argument == 1));
    case kGiveUpControl:
      return done(give_up_control(user));
    case kGetForeground:
    case kGetSession: {
      const Result<GroupId> id = request == kGetForeground ? foreground(user) : session_of(user);
      if (!id) return id.error();
      return stored(argument, *id);
    }
    case kSetForeground:
      return done(set_foreground(argument));
    default:
      return user.end == TerminalEnd::kMaster ? master_request(request, argument) : Errno::kENOTTY;
  }
}

Result<long> Terminal::request(const User& user, std::uint32_t request, std::uint64_t argument) {
  if (hung_up(user)) return request == kSetForeground ? Errno::kENOTTY : Errno::kEIO;
  const bool master = user.end == TerminalEnd::kMaster;
  switch (request) {
    case kGetSettings:
    case kSetSettings:
    case kSetSettingsDrain:
    case kSetSettingsFlush:
    case kGetSettings2:
    case kSetSettings2:
    case kSetSettings2Drain:
    case kSetSettings2Flush:
      return settings_request(user, request, argument);
    case kGetWindow: {
      lock_.lock();
      const WindowSize size = window_;
      lock_.unlock();
      return stored(argument, size);
    }
    case kSetWindow:
      return done(change_window(argument));
    case kFlow:
      return done(control_flow(user, argument));
    case kFlush:
      return done(flush(user, argument));
    case kSendBreak:
    case kSendBreakPosix:
      // Draining, or a break, which no wire is there for.
      return done(check_background(user, kBackgroundWriteSignal));
    case kExclusive:
    case kNotExclusive: {
      const LockGuard guard(lock_);
      exclusive_ = request == kExclusive;
      return 0L;
    }
    case kGetExclusive:
      return stored(argument, exclusive_ ? 1 : 0);
    case kOutputQueued:
      return stored(argument, 0);
    case kInputQueued: {
      lock_.lock();
      const auto count =
          static_cast<int>(master ? discipline_.output_available() : discipline_.input_available());
      lock_.unlock();
      return stored(argument, count);
    }
    case kTypeByte: {
      const Result<char> byte = load_application<char>(argument);
      if (!byte) return byte.error();
      if (calling_process().user != 0 && !controls(calling_process())) return Errno::kEPERM;
      {
        const LockGuard guard(lock_);
        typed_.push(static_cast<std::uint8_t>(*byte));
        digest();
      }
      changed();
      return 0L;
    }
    case kGetDiscipline:
      return stored(argument, 0);  // N_TTY
    default:
      return job_request(user, request, argument);
  }
}

}  // namespace plumbline::linux_abi
