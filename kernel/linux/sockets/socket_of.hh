// From a descriptor to its socket.
#pragma once

#include <utility>

#include "linux/sockets/descriptors.hh"
#include "linux/sockets/socket.hh"

namespace plumbline::linux_abi {

// Holds the socket that a descriptor refers to for the time of a call. kEBADF, kENOTSOCK.
class SocketReference {
 public:
  explicit SocketReference(int descriptor) {
    Result<Ref<File>> file = file_of(descriptor);
    if (!file) {
      error_ = file.error();
      return;
    }
    // A path descriptor is none that one can use.
    socket_ = Socket::of(**file);
    if (socket_ == nullptr) error_ = Errno::kENOTSOCK;
    file_ = std::move(*file);
  }

  explicit operator bool() const { return socket_ != nullptr; }
  Errno error() const { return error_; }
  Socket* operator->() const { return socket_; }
  Socket& operator*() const { return *socket_; }

 private:
  Ref<File> file_;
  Socket* socket_ = nullptr;
  Errno error_ = Errno::kNone;
};

}  // namespace plumbline::linux_abi
