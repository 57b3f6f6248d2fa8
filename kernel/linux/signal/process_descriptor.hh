// Descriptors of processes (pidfd_open(2)).
#pragma once

#include <utility>

#include "fs/anonymous_file.hh"
#include "linux/process.hh"

namespace plumbline::linux_abi {

// Readable once the process has ended.
class ProcessDescriptor final : public AnonymousFile {
 public:
  static const char kKind;

  ProcessDescriptor(Ref<Process> process, std::uint32_t flags)
      : AnonymousFile("[pidfd]", flags), process_(std::move(process)) {}
  const void* kind() const override { return &kKind; }
  PollEvents poll() override;
  PollSource* poll_source() override { return &process_->ends; }

  // The process of such a file. kEBADF: another file.
  static Result<Ref<Process>> of(File& file);

 private:
  const Ref<Process> process_;
};

}  // namespace plumbline::linux_abi
