// Signals as files: signalfd(2).
#pragma once

#include <atomic>
#include <cstdint>

#include "fs/anonymous_file.hh"
#include "linux/process.hh"
#include "linux/signal/signal_state.hh"

namespace plumbline::linux_abi {

// Reads take signals that wait for the reading task or its process. Whoever waits is told of the
// signals of the process that made the file.
class SignalFile final : public AnonymousFile {
 public:
  SignalFile(SignalMask mask, std::uint32_t flags)
      : AnonymousFile("[signalfd]", kOpenReadWrite | flags),
        mask_(mask),
        process_(Ref<Process>::share(&current_process())) {}

  void set_mask(SignalMask mask);

  // As many signalfd_siginfo (128 bytes) as there are and fit.
  Result<std::size_t> read(IoCursor& to, std::uint64_t offset) override;
  PollEvents poll() override;
  PollSource* poll_source() override { return &process_->signal_arrivals; }
  const void* kind() const override { return &kKind; }
  static const char kKind;

 private:
  std::atomic<SignalMask> mask_;
  const Ref<Process> process_;
};

}  // namespace plumbline::linux_abi
