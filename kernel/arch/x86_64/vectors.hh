// Interrupt vectors with a fixed purpose; the rest is given out by allocate_vector.
#pragma once

#include <cstdint>

namespace plumbline {

inline constexpr std::uint8_t kFirstDeviceVector = 0x30;
inline constexpr std::uint8_t kLastDeviceVector = 0xef;
inline constexpr std::uint8_t kTimerVector = 0xf0;
inline constexpr std::uint8_t kRescheduleVector = 0xf1;
inline constexpr std::uint8_t kFlushVector = 0xf2;
inline constexpr std::uint8_t kSpuriousVector = 0xff;

}  // namespace plumbline
