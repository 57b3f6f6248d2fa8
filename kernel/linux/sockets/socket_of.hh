// From a descriptor to its socket.
#pragma once

#include "linux/sockets/descriptors.hh"
#include "linux/sockets/socket.hh"

namespace plumbline::linux_abi {

// Holds the socket that a descriptor refers to for the time of a call. kEBADF, kENOTSOCK.
class SocketReference {
 public:
  explicit SocketReference(int descriptor) : file_(retain_file(descriptor)) {
    if (file_ != nullptr) [[likely]]
      socket_ = Socket::of(*file_);
  }
  ~SocketReference() {
    if (file_ != nullptr) file_->release();
  }
  SocketReference(const SocketReference&) = delete;
  SocketReference& operator=(const SocketReference&) = delete;

  explicit operator bool() const { return socket_ != nullptr; }
  Errno error() const { return file_ == nullptr ? Errno::kEBADF : Errno::kENOTSOCK; }
  Socket* operator->() const { return socket_; }
  Socket& operator*() const { return *socket_; }

 private:
  File* const file_;
  Socket* socket_ = nullptr;
};

}  // namespace plumbline::linux_abi
