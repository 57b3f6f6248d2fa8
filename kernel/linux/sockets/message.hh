// What travels with a message besides its bytes: flags, ancillary data, descriptors, credentials.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "core/reference.hh"
#include "core/result.hh"
#include "fs/file.hh"
#include "linux/sockets/socket_address.hh"

namespace plumbline::linux_abi {

// MSG_... (Linux, include/linux/socket.h).
inline constexpr std::uint32_t kMessageOutOfBand = 0x1, kMessagePeek = 0x2, kMessageDontRoute = 0x4,
                               kMessageControlTruncated = 0x8, kMessageTruncated = 0x20,
                               kMessageDontWait = 0x40, kMessageEndOfRecord = 0x80,
                               kMessageWaitAll = 0x100, kMessageConfirm = 0x800,
                               kMessageErrorQueue = 0x2000, kMessageNoSignal = 0x4000,
                               kMessageMore = 0x8000, kMessageWaitForOne = 0x10000,
                               kMessageCloseOnExec = 0x4000'0000;

// Levels and types of ancillary data, and levels of options.
inline constexpr int kLevelSocket = 1, kLevelIp = 0, kLevelTcp = 6, kLevelUdp = 17, kLevelIpv6 = 41;
inline constexpr int kControlRights = 1, kControlCredentials = 2;
inline constexpr int kIpTypeOfService = 1, kIpTimeToLive = 2, kIpPacketInformation = 8;

// struct ucred.
struct ProcessCredentials {
  std::int32_t process = 0;
  std::uint32_t user = ~0u;
  std::uint32_t group = ~0u;
  bool operator==(const ProcessCredentials&) const = default;
};
// Those of the running program; of nobody in kernel threads.
ProcessCredentials current_credentials();

// Open files on their way to another program (SCM_RIGHTS). The last reference closes what was not
// received, never by recursion: a socket in a bundle may hold bundles itself.
class FileBundle : public ReferenceCounted {
 public:
  // SCM_MAX_FD.
  static constexpr std::size_t kMost = 253;

  ~FileBundle() override;
  std::span<const Ref<File>> files() const { return {files_.data(), count_}; }
  // False: there are kMost already.
  bool add(Ref<File> file);

 private:
  void destroy() override;

  FileBundle* next_ = nullptr;
  std::size_t count_ = 0;
  std::array<Ref<File>, kMost> files_;
};

// Ancillary data of a send, understood.
struct SendControl {
  Ref<FileBundle> files;
  bool has_credentials = false;
  ProcessCredentials credentials;
  // IP_PKTINFO's source, IP_TOS, IP_TTL for this datagram alone; 0 and -1: the socket's.
  net::Ipv4Address source;
  int type_of_service = -1;
  int time_to_live = -1;
};

// A message without ancillary data as the program describes it, of which nothing has been looked at
// yet: struct msghdr. `name` is null or, like `segments`, a place in the program's memory.
struct ProgramMessage {
  std::uint64_t name;
  std::int32_t name_length;
  std::uint64_t segments;
  std::uint64_t segment_count;
};

struct SendRequest {
  std::uint32_t flags = 0;
  const SocketAddress* to = nullptr;
  const SendControl* control = nullptr;
};

// Puts ancillary data into a program's buffer, in the order of the calls.
class ControlWriter {
 public:
  ControlWriter(std::uint64_t address, std::size_t room) : address_(address), room_(room) {}

  // Appends one piece, cut short when there is too little room (put_cmsg).
  void put(int level, int type, std::span<const std::byte> data);
  template <typename T>
  void put_object(int level, int type, const T& value) {
    put(level, type, std::as_bytes(std::span(&value, 1)));
  }
  // Installs the files as descriptors of the running program and appends their numbers: as many as
  // there is room for.
  void put_files(std::span<const Ref<File>> files, bool close_on_exec);

  std::size_t used() const { return used_; }
  bool truncated() const { return truncated_; }
  bool faulted() const { return faulted_; }
  bool wanted() const { return room_ != 0; }

 private:
  std::uint64_t address_;
  std::size_t room_;
  std::size_t used_ = 0;
  bool truncated_ = false;
  bool faulted_ = false;
};

struct ReceiveRequest {
  std::uint32_t flags = 0;
  // Where to put the sender's address; null: not wanted. Its length is 0 when there is none.
  SocketAddress* from = nullptr;
  // Null: plain read or recv; ancillary data is lost.
  ControlWriter* control = nullptr;
  // MSG_TRUNC, MSG_CTRUNC and the like, for msg_flags.
  std::uint32_t result_flags = 0;
};

// One struct cmsghdr with what follows it.
struct ControlMessage {
  int level = 0;
  int type = 0;
  std::span<const std::byte> data;
};
inline constexpr std::size_t kControlHeader = 16;
constexpr std::size_t control_align(std::size_t length) { return (length + 7) & ~std::size_t{7}; }

// Takes the first message off `control`; false at the end. kEINVAL: its length is wrong.
Result<bool> next_control(std::span<const std::byte>& control, ControlMessage& message);

}  // namespace plumbline::linux_abi
