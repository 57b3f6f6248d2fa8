// What all sockets have in common, whatever their family.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/clock.hh"
#include "fs/attributes.hh"
#include "fs/file.hh"
#include "linux/sockets/message.hh"
#include "linux/sockets/socket_address.hh"

namespace plumbline::linux_abi {

// SOCK_...
inline constexpr int kStream = 1, kDatagram = 2, kRaw = 3, kSequencedPacket = 5;
inline constexpr int kSocketTypeMask = 0xf;
inline constexpr int kSocketNonblocking = 04000, kSocketCloseOnExec = 02000000;

// Bits of a shutdown, and how shutdown(2) names them (SHUT_RD, SHUT_WR, SHUT_RDWR).
inline constexpr std::uint8_t kShutReceive = 1, kShutSend = 2, kShutBoth = 3;

// Bytes that wait in a socket: what Linux has by default and at most (net.core.rmem_default,
// rmem_max: setsockopt's value is doubled for the overhead), and at least.
inline constexpr std::uint32_t kDefaultBuffer = 212992;
inline constexpr std::uint32_t kMostBuffer = 212992;
inline constexpr std::uint32_t kLeastReceiveBuffer = 2304, kLeastSendBuffer = 4608;

class Socket : public File {
 public:
  Socket(int family, int type, int protocol, std::uint32_t flags)
      : File(flags | kOpenReadWrite), family_(family), type_(type), protocol_(protocol) {}

  // The socket that a file is, or null.
  static Socket* of(File& file) {
    return file.kind() == &kKind ? static_cast<Socket*>(&file) : nullptr;
  }

  int family() const { return family_; }
  int type() const { return type_; }
  int protocol() const { return protocol_; }

  // The calls, with Linux's errors; addresses as the program gave them.
  virtual Status bind(const SocketAddress& address) = 0;
  virtual Status connect(const SocketAddress& address) = 0;
  virtual Status listen(int backlog) { return Errno::kEOPNOTSUPP; }
  // A connection, as a file with `flags`; the peer's address into `peer` unless null.
  virtual Result<Ref<Socket>> accept(std::uint32_t flags, SocketAddress* peer) {
    return Errno::kEOPNOTSUPP;
  }
  virtual Status local_name(SocketAddress& address) = 0;
  virtual Status peer_name(SocketAddress& address) = 0;
  virtual Status shutdown(std::uint8_t bits) = 0;
  virtual Result<std::size_t> send(IoCursor& from, const SendRequest& request) = 0;
  virtual Result<std::size_t> receive(IoCursor& to, ReceiveRequest& request) = 0;
  // The same as send() for what a server mostly sends, in one step from the program's own list. The
  // bytes sent, or below 0: it is not that simple; nothing has happened, and send() is the way.
  virtual std::ptrdiff_t send_at_once(const ProgramMessage& message, std::uint32_t flags) {
    return -1;
  }

  // setsockopt and getsockopt; `value` is the program's memory. get_option gives the length stored.
  Status set_option(int level, int name, std::uint64_t value, int length);
  Result<int> get_option(int level, int name, std::uint64_t value, int length);

  const void* kind() const override { return &kKind; }
  Result<std::size_t> read(IoCursor& to, std::uint64_t offset) override;
  Result<std::size_t> write(IoCursor& from, std::uint64_t& offset) override;
  Result<long> ioctl(std::uint32_t request, std::uint64_t argument) override;
  Status stat(Attributes& attributes) override;
  PollSource* poll_source() override = 0;
  std::size_t describe(std::span<char> text) override;

 protected:
  // Options of one family; kENOPROTOOPT for what it does not know.
  virtual Status set_own_option(int level, int name, std::uint64_t value, int length) {
    return Errno::kEOPNOTSUPP;
  }
  virtual Result<int> get_own_option(int level, int name, std::uint64_t value, int length) {
    return level == kLevelSocket ? Errno::kENOPROTOOPT : Errno::kEOPNOTSUPP;
  }
  // A buffer's size, one of the flags below has been set.
  enum class Buffer : std::uint8_t { kSend, kReceive };
  virtual void buffers_changed(Buffer which) {}
  virtual void flags_changed() {}
  // Takes over what an accepted socket has from the one that listens.
  void inherit(const Socket& from);
  // The error that waits for the next call, taken (SO_ERROR).
  virtual Errno take_error() = 0;
  virtual bool accepting() const { return false; }
  virtual ProcessCredentials peer_credentials() const { return {}; }
  // Bytes that a read would give (FIONREAD), bytes that are on their way (TIOCOUTQ).
  virtual Result<long> readable_bytes() = 0;
  virtual Result<long> unsent_bytes() = 0;

  bool waits(std::uint32_t flags) const {
    return (flags & kMessageDontWait) == 0 && !nonblocking();
  }
  // Until when a call may wait (SO_RCVTIMEO, SO_SNDTIMEO).
  Deadline receive_deadline() const { return deadline(receive_timeout_); }
  Deadline send_deadline() const { return deadline(send_timeout_); }
  // The value of an int option. kEINVAL: too short; kEFAULT.
  static Result<int> int_option(std::uint64_t value, int length);
  // Stores an option as getsockopt does: cut to the program's room. The length stored.
  static Result<int> store_option(std::uint64_t to, int room, std::span<const std::byte> bytes);
  static Result<int> store_option(std::uint64_t to, int room, int value) {
    return store_option(to, room, std::as_bytes(std::span(&value, 1)));
  }

  std::uint32_t receive_buffer_ = kDefaultBuffer;
  std::uint32_t send_buffer_ = kDefaultBuffer;
  bool reuse_address_ = false, reuse_port_ = false, broadcast_ = false, pass_credentials_ = false,
       keep_alive_ = false;
  std::int32_t linger_on_ = 0, linger_seconds_ = 0, receive_low_water_ = 1;

 private:
  static const char kKind;

  static Deadline deadline(Nanoseconds timeout) {
    return timeout.count == 0 ? Deadline::never() : Deadline::after(timeout);
  }
  bool* flag_option(int name);
  std::int32_t* number_option(int name);
  Status set_socket_option(int name, std::uint64_t value, int length);
  Result<int> get_socket_option(int name, std::uint64_t value, int length);

  const int family_, type_, protocol_;
  const std::uint64_t inode_ = next_anonymous_inode();
  // 0: no limit.
  Nanoseconds receive_timeout_{}, send_timeout_{};
  // Kept for getsockopt: here they change nothing.
  bool debug_ = false, dont_route_ = false, out_of_band_inline_ = false, timestamp_ = false;
  std::int32_t priority_ = 0, busy_poll_ = 0, mark_ = 0;
};

}  // namespace plumbline::linux_abi
