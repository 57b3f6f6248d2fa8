// /dev/null, zero, full, random and urandom (null(4), full(4), random(4)).
#include <algorithm>
#include <array>

#include "core/init_calls.hh"
#include "drivers/random/random.hh"
#include "fs/device_files.hh"
#include "fs/vnode_file.hh"
#include "memory/anonymous_object.hh"
#include "memory/application_memory.hh"

namespace plumbline {
namespace {

constexpr std::uint32_t kMajor = 1;

// Has a position, which lseek sets and nothing looks at: Linux lets programs seek here.
class MemoryDevice : public VnodeFile {
 public:
  using VnodeFile::VnodeFile;
  bool seekable() const override { return true; }
  Result<std::uint64_t> end() override { return std::uint64_t{0}; }
};

class NullFile final : public MemoryDevice {
 public:
  using MemoryDevice::MemoryDevice;
  Result<std::size_t> read(IoCursor&, std::uint64_t) override { return std::size_t{0}; }
  Result<std::size_t> write(IoCursor& from, std::uint64_t&) override { return from.remaining(); }
};

class ZeroFile : public MemoryDevice {
 public:
  using MemoryDevice::MemoryDevice;
  Result<std::size_t> read(IoCursor& to, std::uint64_t) override {
    const std::size_t done = to.put_zeros(to.remaining());
    if (done == 0 && to.faulted()) return Errno::kEFAULT;
    return done;
  }
  Result<std::size_t> write(IoCursor& from, std::uint64_t&) override { return from.remaining(); }
  // Each mapping is memory of its own.
  Result<Ref<MemoryObject>> memory_object() override {
    auto* const object = new (std::nothrow) AnonymousObject(std::uint64_t{1} << 46);
    if (object == nullptr) return Errno::kENOMEM;
    return Ref<MemoryObject>(Ref<AnonymousObject>::adopt(object));
  }
};

class FullFile final : public ZeroFile {
 public:
  using ZeroFile::ZeroFile;
  Result<std::size_t> write(IoCursor&, std::uint64_t&) override { return Errno::kENOSPC; }
  Result<Ref<MemoryObject>> memory_object() override { return Errno::kENODEV; }
};

class RandomFile final : public MemoryDevice {
 public:
  using MemoryDevice::MemoryDevice;
  Result<std::size_t> read(IoCursor& to, std::uint64_t) override {
    std::size_t done = 0;
    while (to.remaining() != 0 && !to.faulted()) {
      std::array<std::byte, 256> bytes;
      const auto piece = std::span(bytes).first(std::min(bytes.size(), to.remaining()));
      random_bytes(piece);
      done += to.put(piece);
    }
    if (done == 0 && to.faulted()) return Errno::kEFAULT;
    return done;
  }
  // Whoever writes adds to the randomness; nothing that is in it is lost by that.
  Result<std::size_t> write(IoCursor& from, std::uint64_t&) override {
    std::size_t done = 0;
    while (from.remaining() != 0 && !from.faulted()) {
      std::array<std::byte, 256> bytes;
      const std::size_t piece =
          from.take(std::span(bytes).first(std::min(bytes.size(), from.remaining())));
      add_randomness(std::span(bytes).first(piece));
      done += piece;
    }
    if (done == 0 && from.faulted()) return Errno::kEFAULT;
    return done;
  }
  Result<long> ioctl(std::uint32_t request, std::uint64_t argument) override {
    constexpr std::uint32_t kGetEntropyCount = 0x8004'5200;  // RNDGETENTCNT
    if (request != kGetEntropyCount) return Errno::kEINVAL;
    constexpr int kPoolBits = 256;
    if (const Status status = store_application(argument, kPoolBits); !status)
      return status.error();
    return 0L;
  }
};

void register_memory_devices() {
  register_device(device_number(kMajor, 3), open_vnode_file<NullFile>);
  register_device(device_number(kMajor, 5), open_vnode_file<ZeroFile>);
  register_device(device_number(kMajor, 7), open_vnode_file<FullFile>);
  register_device(device_number(kMajor, 8), open_vnode_file<RandomFile>);
  register_device(device_number(kMajor, 9), open_vnode_file<RandomFile>);
}
INIT_CALL(InitLevel::kDevice, register_memory_devices);

}  // namespace
}  // namespace plumbline
