#include "linux/terminals/terminal.hh"

#include <new>
#include <utility>

#include "fs/device_files.hh"
#include "sync/interruptible_wait.hh"
#include "sync/lock_guard.hh"

namespace plumbline::linux_abi {
namespace {

// Debian mounts devpts with gid=5 (tty), mode=620.
constexpr std::uint32_t kGroup = 5, kMode = kModeCharacterDevice | 0620;
constexpr std::uint32_t kSlaveMajor = 136;

struct Place {
  Terminal* terminal = nullptr;  // null: its master is closed
  bool used = false;
};
Mutex table_lock;
Place places[Terminal::kMost];
std::uint64_t last_serial = 0;

FileTime time_now() {
  constexpr std::uint64_t kSecond = 1'000'000'000;
  const std::uint64_t now = wall_clock_now_ns().count;
  return {static_cast<std::int64_t>(now / kSecond), static_cast<std::uint32_t>(now % kSecond)};
}

// With the table's lock; the number is valid.
unsigned take_number() {
  unsigned number = 0;
  while (places[number].used) ++number;
  places[number].used = true;
  return number;
}

}  // namespace

Terminal::Terminal()
    : number_(take_number()),
      serial_(++last_serial),
      mode_(kMode),
      user_(calling_process().user),
      group_(kGroup) {
  accessed_ = modified_ = changed_ = time_now();
}

Terminal::~Terminal() {
  const LockGuard guard(table_lock);
  places[number_].used = false;
}

Result<Ref<Terminal>> Terminal::create() {
  const LockGuard guard(table_lock);
  bool free = false;
  for (const Place& place : places) free = free || !place.used;
  if (!free) return Errno::kENOSPC;
  auto terminal = Ref<Terminal>::adopt(new (std::nothrow) Terminal);
  if (!terminal) return Errno::kENOMEM;
  places[terminal->number_].terminal = terminal.get();
  return terminal;
}

Ref<Terminal> Terminal::find(unsigned number) {
  if (number >= kMost) return {};
  const LockGuard guard(table_lock);
  return Ref<Terminal>::share(places[number].terminal);
}

Ref<Terminal> Terminal::find_serial(std::uint64_t serial) {
  const LockGuard guard(table_lock);
  for (const Place& place : places) {
    if (place.terminal != nullptr && place.terminal->serial_ == serial)
      return Ref<Terminal>::share(place.terminal);
  }
  return {};
}

unsigned Terminal::next(unsigned number) {
  const LockGuard guard(table_lock);
  while (number < kMost && places[number].terminal == nullptr) ++number;
  return number;
}

std::uint64_t Terminal::device() const { return device_number(kSlaveMajor, number_); }

Result<std::uint32_t> Terminal::open_slave(bool control) {
  const Caller caller = calling_process();
  std::uint32_t generation;
  {
    const LockGuard guard(lock_);
    if (locked_ || master_closed_) return Errno::kEIO;
    if (exclusive_ && caller.user != 0) return Errno::kEBUSY;
    ++slaves_;
    slave_closed_ = false;
    generation = generation_.load(std::memory_order_relaxed);
    if (control && caller.leads_session() && caller.terminal == 0 && session_ == 0)
      become_controlling(caller);
  }
  return generation;
}

void Terminal::close_slave() {
  {
    const LockGuard guard(lock_);
    if (--slaves_ != 0) return;
    slave_closed_ = true;
  }
  changed();
}

void Terminal::close_master() {
  {
    const LockGuard guard(table_lock);
    places[number_].terminal = nullptr;
  }
  {
    const LockGuard guard(lock_);
    master_closed_ = true;
  }
  hang_up(false);
}

void Terminal::hang_up_session() { hang_up(true); }

// The slaves that are open read the end and can do nothing else; the session has no terminal.
void Terminal::hang_up(bool session_ended) {
  GroupId session, foreground;
  {
    const LockGuard guard(lock_);
    // Release: who finds itself hung up sees what came before.
    generation_.fetch_add(1, std::memory_order_release);
    discipline_.clear_input();
    session = std::exchange(session_, 0);
    foreground = std::exchange(foreground_, 0);
  }
  if (session != 0) {
    signal_session_leader(session, kHangupSignal);
    signal_session_leader(session, kContinueSignal);
    if (session_ended) signal_group(foreground, kHangupSignal);
    clear_session_terminal(session, serial_);
  }
  changed();
}

// With the lock.
void Terminal::become_controlling(const Caller& caller) {
  session_ = caller.session;
  foreground_ = caller.group;
  set_own_terminal(serial_);
}

void Terminal::changed() {
  // Release: who sees the count sees the change.
  changes_.fetch_add(1, std::memory_order_release);
  waiting_.wake_all();
  constexpr PollEvents kAll =
      kPollIn | kPollReadNormal | kPollOut | kPollWriteNormal | kPollHangup | kPollError;
  master_source_.notify(kAll);
  slave_source_.notify(kAll);
}

Status Terminal::wait_for_change(std::uint32_t seen, Deadline deadline) {
  return wait_interruptibly(
      waiting_, [&] { return changes() != seen; }, deadline);
}

PollEvents Terminal::poll(const User& user) {
  constexpr PollEvents kReadable = kPollIn | kPollReadNormal;
  constexpr PollEvents kWritable = kPollOut | kPollWriteNormal;
  if (hung_up(user)) return kReadable | kWritable | kPollError | kPollHangup;
  const LockGuard guard(lock_);
  PollEvents events = 0;
  if (user.end == TerminalEnd::kMaster) {
    if (discipline_.output_available() != 0) events |= kReadable;
    if (typed_.room() != 0) events |= kWritable;
    if (slave_closed_) events |= kPollHangup;
  } else {
    // With a time to wait for further bytes, the first is what counts.
    const auto& characters = discipline_.settings().characters;
    const std::size_t minimum = characters[kTime] == 0 ? characters[kMinimum] : 1;
    if (discipline_.has_input(minimum)) events |= kReadable;
    if (discipline_.takes_output()) events |= kWritable;
  }
  return events;
}

void Terminal::attributes(Attributes& attributes) {
  const LockGuard guard(lock_);
  attributes.mode = mode_;
  attributes.user = user_;
  attributes.group = group_;
  attributes.special_device = device();
  attributes.block_size = 1024;
  attributes.accessed = accessed_;
  attributes.modified = modified_;
  attributes.changed = changed_;
}

void Terminal::change(const AttributeChange& change) {
  const FileTime now = time_now();
  const LockGuard guard(lock_);
  if (change.set_mode) mode_ = kModeCharacterDevice | (change.mode & 07777);
  if (change.set_user) user_ = change.user;
  if (change.set_group) group_ = change.group;
  if (change.set_accessed) accessed_ = change.accessed;
  if (change.set_modified) modified_ = change.modified;
  changed_ = now;
}

}  // namespace plumbline::linux_abi
