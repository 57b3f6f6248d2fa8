// capget(2) and capset(2).
#include <array>

#include "linux/call.hh"
#include "linux/process_table.hh"
#include "memory/application_memory.hh"

namespace plumbline::linux_abi {
namespace {

// The header's versions: the first has one word a set, the others two. Linux answers any other with
// the newest.
constexpr std::uint32_t kVersion1 = 0x1998'0330, kVersion2 = 0x2007'1026, kVersion3 = 0x2008'0522;

struct Header {
  std::uint32_t version;
  std::int32_t process;
};
struct Sets {
  std::uint32_t effective, permitted, inheritable;
};

std::uint32_t word(std::uint64_t set, unsigned index) {
  return static_cast<std::uint32_t>(set >> (32 * index));
}

// How many words a set has, and the header. kEINVAL: the version is unknown, the header now names a
// known one.
Result<unsigned> read_header(std::uint64_t address, Header& header) {
  const Result<Header> given = load_application<Header>(address);
  if (!given) return given.error();
  header = *given;
  if (header.version == kVersion1) return 1u;
  if (header.version == kVersion2 || header.version == kVersion3) return 2u;
  if (Status status = store_application(address, kVersion3); !status) return status.error();
  return Errno::kEINVAL;
}

Status call_capget(std::uint64_t header_address, std::uint64_t data_address) {
  Header header;
  const Result<unsigned> words = read_header(header_address, header);
  if (!words)
    return words.error() == Errno::kEINVAL && data_address == 0 ? Status{} : words.error();
  if (header.process < 0) return Errno::kEINVAL;
  Ref<Process> process = Ref<Process>::share(&current_process());
  if (header.process != 0) {
    const Ref<Task> task = find_task(static_cast<TaskId>(header.process));
    if (!task) return Errno::kESRCH;
    process = task->process;
  }
  const Identity& identity = process->identity;
  for (unsigned i = 0; i < *words; ++i) {
    const Sets sets{word(identity.effective_capabilities, i),
                    word(identity.permitted_capabilities, i),
                    word(identity.inheritable_capabilities, i)};
    if (Status status = store_application(data_address + i * sizeof sets, sets); !status)
      return status;
  }
  return {};
}

Status call_capset(std::uint64_t header_address, std::uint64_t data_address) {
  Header header;
  const Result<unsigned> words = read_header(header_address, header);
  if (!words) return words.error();
  Process& process = current_process();
  const auto number = static_cast<std::uint32_t>(header.process);
  if (number != 0 && number != process.id && number != current_task().id) return Errno::kEPERM;
  std::uint64_t effective = 0, permitted = 0, inheritable = 0;
  for (unsigned i = 0; i < *words; ++i) {
    const Result<Sets> sets = load_application<Sets>(data_address + i * sizeof(Sets));
    if (!sets) return sets.error();
    effective |= static_cast<std::uint64_t>((*sets).effective) << (32 * i);
    permitted |= static_cast<std::uint64_t>((*sets).permitted) << (32 * i);
    inheritable |= static_cast<std::uint64_t>((*sets).inheritable) << (32 * i);
  }
  Identity& identity = process.identity;
  // Nothing can be gained, and what is effective must be permitted.
  if ((permitted & ~identity.permitted_capabilities) != 0 || (effective & ~permitted) != 0)
    return Errno::kEPERM;
  identity.effective_capabilities = effective & kAllCapabilities;
  identity.permitted_capabilities = permitted & kAllCapabilities;
  identity.inheritable_capabilities = inheritable & kAllCapabilities;
  return {};
}

LINUX_CALL(125, capget, call_capget);
LINUX_CALL(126, capset, call_capset);

}  // namespace
}  // namespace plumbline::linux_abi
