// The files that a call asks about.
#pragma once

#include <span>

#include "fs/file.hh"
#include "fs/poll.hh"

namespace plumbline::linux_abi {

// Clears the requests at first; at the end lets go of the files that were put into them.
struct OpenFiles {
  explicit OpenFiles(std::span<PollRequest> all) : requests(all) {
    for (PollRequest& request : requests) request = {};
  }
  ~OpenFiles() {
    for (const PollRequest& request : requests) {
      if (request.file != nullptr) request.file->release();
    }
  }
  OpenFiles(const OpenFiles&) = delete;
  OpenFiles& operator=(const OpenFiles&) = delete;

  const std::span<PollRequest> requests;
};

}  // namespace plumbline::linux_abi
