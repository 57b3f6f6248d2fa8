// What the system calls itself (uname(2), /proc/version, /proc/sys/kernel).
#pragma once

namespace plumbline::linux_abi {

inline constexpr const char* kSystemName = "Linux";
inline constexpr const char* kHostName = "plumbline";
// The Linux whose interface it follows, that of Debian 12; programs compare the numbers.
inline constexpr const char* kRelease = "6.1.0-plumbline";
inline constexpr const char* kVersion = "#1 SMP Plumbline";
inline constexpr const char* kMachine = "x86_64";
inline constexpr const char* kDomainName = "(none)";

}  // namespace plumbline::linux_abi
