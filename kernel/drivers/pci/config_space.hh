// PCI configuration space of bus 0: through ECAM (a memory window) or through ports 0xcf8 and
// 0xcfc.
//
// Every access is an exit to the VMM (28 us on a host without VMX or SVM): callers read what they
// need once. A 32-bit access costs 1 exit with ECAM and 2 with ports.
#pragma once

#include <cstdint>
#include <optional>

#include "memory/address.hh"

namespace plumbline::pci {

/// A function of a device on bus 0.
struct Location {
  uint8_t slot;      // 0 to 31
  uint8_t function;  // 0 to 7
};

/// Registers of the configuration header that we use (PCI Local Bus 3.0, 6.1), and the command
/// bits.
inline constexpr uint16_t kRegisterId = 0x00;
inline constexpr uint16_t kRegisterCommand = 0x04;
inline constexpr uint16_t kRegisterHeaderType = 0x0c;  // the dword that holds it, in bits 16 to 23
inline constexpr uint16_t kRegisterBar0 = 0x10;
inline constexpr uint16_t kRegisterCapabilities = 0x34;
inline constexpr uint16_t kCommandMemory = 1 << 1;
inline constexpr uint16_t kCommandBusMaster = 1 << 2;
inline constexpr uint16_t kCommandNoIntx = 1 << 10;

enum class Access : uint8_t { kNone, kEcam, kPorts };

/// How configuration space is reached; finds it out at the first call (1 to 4 exits). kNone: no
/// PCI.
Access access();

/// Reads and writes registers; `offset` is a multiple of the width. Requires access() != kNone.
uint32_t read32(Location location, uint16_t offset);
/// Two dwords; `offset` is a multiple of 8. 1 exit with ECAM: the one bridge whose ECAM we use
/// takes 64-bit accesses, others need not.
uint64_t read64(Location location, uint16_t offset);
void write32(Location location, uint16_t offset, uint32_t value);
void write16(Location location, uint16_t offset, uint16_t value);

/// Where BARs that no firmware assigned may be placed; nullopt when the firmware assigns them.
struct MemoryWindow {
  uint32_t base;
  uint32_t size;
};
std::optional<MemoryWindow> unassigned_bar_window();

}  // namespace plumbline::pci
