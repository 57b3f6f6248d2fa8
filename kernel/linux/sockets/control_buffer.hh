// Ancillary data of a send: from the program's memory to what the socket understands.
#pragma once

#include <cstdint>

#include "linux/sockets/socket.hh"

namespace plumbline::linux_abi {

// kENOBUFS: longer than anybody needs; kEINVAL, kEBADF, kEPERM: wrong; kEFAULT.
Status load_control(SendControl& control, const Socket& socket, std::uint64_t at,
                    std::uint64_t length);
// The same for bytes that the kernel has.
Status parse_control(SendControl& control, int family, std::span<const std::byte> bytes);

}  // namespace plumbline::linux_abi
