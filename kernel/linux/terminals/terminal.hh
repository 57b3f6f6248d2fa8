// A pseudo-terminal (pty(7)): a master, which a terminal emulator holds, and a slave, which looks
// like a terminal to programs. Portable.
#pragma once

#include <atomic>
#include <cstdint>

#include "core/clock.hh"
#include "core/reference.hh"
#include "core/result.hh"
#include "fs/attributes.hh"
#include "fs/file.hh"
#include "fs/poll.hh"
#include "fs/vnode.hh"
#include "linux/terminals/jobs.hh"
#include "linux/terminals/line_discipline.hh"
#include "sync/mutex.hh"
#include "sync/wait_queue.hh"

namespace plumbline::linux_abi {

enum class TerminalEnd : std::uint8_t { kMaster, kSlave };

class Terminal final : public ReferenceCounted {
 public:
  static constexpr unsigned kMost = 1024;

  // With the lowest free number. The caller holds the master. kENOSPC, kENOMEM.
  static Result<Ref<Terminal>> create();
  // Those whose master is open, by number or serial number; none: there is no such.
  static Ref<Terminal> find(unsigned number);
  static Ref<Terminal> find_serial(std::uint64_t serial);
  // The next number in use from `number` on; kMost: none.
  static unsigned next(unsigned number);

  unsigned number() const { return number_; }
  // Never used again, unlike the number.
  std::uint64_t serial() const { return serial_; }
  std::uint64_t device() const;  // st_rdev of the slave
  GroupId foreground();

  // Opens the slave and, for a leader of a session without a terminal, makes it the controlling
  // one, if `control`. Returns what a slave's file must remember. kEIO: locked or hung up; kEBUSY.
  Result<std::uint32_t> open_slave(bool control);
  void close_slave();
  // Hangs the slaves up.
  void close_master();
  // The controlling process has ended: its session loses the terminal.
  void hang_up_session();

  // What a file of one of the ends does; `generation` as open_slave gave it, 0 for the master.
  struct User {
    TerminalEnd end;
    std::uint32_t generation;
    bool nonblocking;
  };
  Result<std::size_t> read(const User& user, IoCursor& to);
  Result<std::size_t> write(const User& user, IoCursor& from);
  Result<long> request(const User& user, std::uint32_t request, std::uint64_t argument);
  PollEvents poll(const User& user);
  PollSource& source(TerminalEnd end) {
    return end == TerminalEnd::kMaster ? master_source_ : slave_source_;
  }

  // The slave's node in /dev/pts.
  void attributes(Attributes& attributes);
  void change(const AttributeChange& change);

 private:
  Terminal();
  ~Terminal() override;

  bool hung_up(const User& user) const {
    return user.end == TerminalEnd::kSlave &&
           user.generation != generation_.load(std::memory_order_acquire);
  }
  bool controls(const Caller& caller) const { return caller.terminal == serial_; }
  // Somebody may go on now. Without the lock.
  void changed();
  // Waits for a change after `seen`. kRestart, kETIMEDOUT.
  Status wait_for_change(std::uint32_t seen, Deadline deadline);
  std::uint32_t changes() const { return changes_.load(std::memory_order_acquire); }
  // With the lock: what the master has written goes on to the line discipline.
  void digest();
  void hang_up(bool session_ended);
  void become_controlling(const Caller& caller);

  Result<std::size_t> read_master(const User& user, IoCursor& to);
  Result<std::size_t> read_slave(const User& user, IoCursor& to);
  // Waits for room and takes, until all is taken, the user's end has hung up, or waiting ends.
  Result<std::size_t> write_all(const User& user, IoCursor& from,
                                std::size_t (Terminal::*take)(IoCursor&));
  Result<std::size_t> write_master(const User& user, IoCursor& from);
  Result<std::size_t> write_slave(const User& user, IoCursor& from);
  std::size_t take_typed(IoCursor& from);
  std::size_t take_written(IoCursor& from);
  std::size_t give_input(IoCursor& to, bool& line_ended);

  // terminal_requests.cc, background.cc
  Status check_background(const User& user, unsigned signal);
  Result<long> settings_request(const User& user, std::uint32_t request, std::uint64_t argument);
  Result<long> master_request(std::uint32_t request, std::uint64_t argument);
  Result<long> job_request(const User& user, std::uint32_t request, std::uint64_t argument);
  Status change_settings(std::uint64_t argument, bool with_speeds, bool flush);
  Status change_window(std::uint64_t argument);
  Status control_flow(const User& user, std::uint64_t action);
  Status flush(const User& user, std::uint64_t queue);
  Status take_control(const User& user, bool steal);
  Status give_up_control(const User& user);
  Result<GroupId> foreground(const User& user);
  Status set_foreground(std::uint64_t argument);
  Result<GroupId> session_of(const User& user);

  const unsigned number_;
  const std::uint64_t serial_;

  Mutex lock_;
  LineDiscipline discipline_;
  // Written by the master while the line discipline was full.
  ByteRing<8192> typed_;
  WindowSize window_;
  bool locked_ = true;         // until TIOCSPTLCK; the slave cannot be opened
  bool exclusive_ = false;     // TIOCEXCL
  bool slave_closed_ = false;  // the last one, until the next is opened
  bool master_closed_ = false;
  unsigned slaves_ = 0;
  // Slaves of earlier generations are hung up.
  std::atomic<std::uint32_t> generation_{1};
  GroupId session_ = 0, foreground_ = 0;
  std::uint32_t mode_, user_, group_;
  FileTime accessed_, modified_, changed_;

  // All that wait look again at each change: terminals are slow, and few wait.
  std::atomic<std::uint32_t> changes_{0};
  WaitQueue waiting_;
  PollSource master_source_, slave_source_;
};

}  // namespace plumbline::linux_abi
