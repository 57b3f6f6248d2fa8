// An open file description (open(2)): what descriptors refer to. One class for each kind of file.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "core/reference.hh"
#include "core/result.hh"
#include "fs/io_cursor.hh"
#include "fs/poll.hh"
#include "memory/memory_object.hh"
#include "sync/mutex.hh"

namespace plumbline {

class Pipe;
class Vnode;
struct Attributes;    // fs/attributes.hh: what stat(2) tells
class DirectorySink;  // fs/vnode.hh: takes the entries that getdents64 returns

// Flags of open(2) (Linux, include/uapi/asm-generic/fcntl.h).
inline constexpr std::uint32_t kOpenReadOnly = 0, kOpenWriteOnly = 1, kOpenReadWrite = 2,
                               kOpenAccessMask = 3, kOpenCreate = 0100, kOpenExclusive = 0200,
                               kOpenNoControllingTerminal = 0400, kOpenTruncate = 01000,
                               kOpenAppend = 02000, kOpenNonblocking = 04000,
                               kOpenDataSync = 010000, kOpenAsync = 020000, kOpenDirect = 040000,
                               kOpenLargeFile = 0100000, kOpenDirectory = 0200000,
                               kOpenNoFollow = 0400000, kOpenNoAccessTime = 01000000,
                               kOpenCloseOnExec = 02000000, kOpenPath = 010000000,
                               kOpenTemporary = 020200000;

class File : public ReferenceCounted {
 public:
  // A vnode is told about kOpenNoControllingTerminal, for terminals; the file does not keep it.
  explicit File(std::uint32_t flags, Pipe* end_of = nullptr)
      : pipe(end_of), flags_(flags & ~kOpenNoControllingTerminal) {}

  // What this is an end of, or null. No virtual function: each read and write asks first.
  Pipe* const pipe;

  // Access mode and status flags as F_GETFL shows them.
  std::uint32_t flags() const { return flags_.load(std::memory_order_relaxed); }
  // What F_SETFL may change: append, nonblocking, async, direct, no access time.
  void set_flags(std::uint32_t flags) { flags_.store(flags, std::memory_order_relaxed); }
  bool nonblocking() const { return (flags() & kOpenNonblocking) != 0; }
  bool readable() const { return (flags() & kOpenAccessMask) != kOpenWriteOnly; }
  bool writable() const { return (flags() & kOpenAccessMask) != kOpenReadOnly; }

  // Reads at `offset` (ignored by what cannot seek) and returns the number of bytes, 0 at the end.
  // Blocks when there is nothing yet, unless nonblocking (kEAGAIN); a signal ends the wait
  // (kRestart). The caller has checked readable().
  virtual Result<std::size_t> read(IoCursor& to, std::uint64_t offset) { return Errno::kEINVAL; }
  // Writes at `offset`, which an appending file sets to its end first.
  virtual Result<std::size_t> write(IoCursor& from, std::uint64_t& offset) {
    return Errno::kEINVAL;
  }
  // True when there is a position: lseek, pread and pwrite work.
  virtual bool seekable() const { return false; }
  // The end for SEEK_END, and SEEK_DATA and SEEK_HOLE. kESPIPE where there is no position.
  virtual Result<std::uint64_t> end() { return Errno::kESPIPE; }
  virtual Result<std::uint64_t> seek_data(std::uint64_t from, bool hole) { return Errno::kEINVAL; }
  virtual Result<long> ioctl(std::uint32_t request, std::uint64_t argument) {
    return Errno::kENOTTY;
  }
  virtual Status stat(Attributes& attributes) = 0;
  virtual Status truncate(std::uint64_t size) { return Errno::kEINVAL; }
  virtual Status allocate(int mode, std::uint64_t offset, std::uint64_t length) {
    return Errno::kENODEV;
  }
  virtual Status synchronise() { return Errno::kEINVAL; }
  // Directory entries from position `from` on; advances it.
  virtual Status read_directory(DirectorySink& sink, std::uint64_t& from) {
    return Errno::kENOTDIR;
  }
  // What mmap shows. kENODEV: cannot be mapped.
  virtual Result<Ref<MemoryObject>> memory_object() { return Errno::kENODEV; }
  // What could be done now without waiting.
  virtual PollEvents poll() { return kPollIn | kPollOut | kPollReadNormal | kPollWriteNormal; }
  // Where changes of poll() are told; null: it never changes (epoll refuses such files, kEPERM).
  virtual PollSource* poll_source() { return nullptr; }
  // Tells the classes apart, without run-time types: the address of something static to the class.
  virtual const void* kind() const { return nullptr; }
  // The file's name in a file system; null for pipes, sockets and the like.
  virtual Vnode* vnode() { return nullptr; }
  // For /proc/self/fd: "socket:[5]", "anon_inode:[eventpoll]", or the path.
  virtual std::size_t describe(std::span<char> text) = 0;
  // A descriptor was closed: for POSIX record locks, which go with any descriptor of the process.
  virtual void descriptor_closed(std::uint32_t process) {}

  // Whom F_SETOWN named: a process, or below zero a group.
  std::atomic<int> signal_owner{0};
  // What sends it the signals (linux/files/async_signals.cc).
  std::atomic<void*> signal_watch{nullptr};

  // The position of read and write, under its lock.
  Mutex position_lock;
  std::uint64_t position = 0;
  // Those who watch the file without keeping it open: epoll's entries.
  FileWatchers watchers;

 protected:
  // Ends the watches first: the file must still answer poll() while an epoll looks at it.
  void destroy() override;

 private:
  std::atomic<std::uint32_t> flags_;
};

}  // namespace plumbline
