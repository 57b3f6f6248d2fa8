#include "linux/process.hh"

#include <atomic>

#include "fs/vnode.hh"
#include "linux/task.hh"
#include "memory/heap.hh"

namespace plumbline::linux_abi {
namespace {

// Zero is nobody: the kernel's own mappings.
std::atomic<AddressOwner> next_owner{1};

}  // namespace

ProgramMemory::ProgramMemory() : owner(next_owner.fetch_add(1, std::memory_order_relaxed)) {}

ProgramMemory::~ProgramMemory() { address_space::unmap_owner(owner); }

Process::Process() = default;

Process::~Process() {
  delete[] arguments;
  delete[] environment;
  delete[] auxiliary_vector;
}

}  // namespace plumbline::linux_abi
