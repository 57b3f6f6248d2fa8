// ARP for IPv4 over Ethernet (RFC 826): the generator answers for its own address and learns
// nothing; the peer's address is given, so that no first packet waits for a resolution.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "network/address.hh"

namespace plumbline::generator {

inline constexpr size_t kArpFrameBytes = 60;  // 42, padded to Ethernet's least

enum class ArpKind { kNone, kRequestForUs, kOther };

// What this frame is.
ArpKind classify_arp(std::span<const uint8_t> frame, const AddressRange& own);
// Writes the reply to a frame that classify_arp called kRequestForUs: the address asked for is at
// `own`.
void write_arp_reply(std::span<const uint8_t> request, const MacAddress& own,
                     std::span<uint8_t, kArpFrameBytes> reply);

}  // namespace plumbline::generator
