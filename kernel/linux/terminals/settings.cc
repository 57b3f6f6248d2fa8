#include "linux/terminals/settings.hh"

namespace plumbline::linux_abi {
namespace {

// By the low bits of `control`, without and with kBaudOther's.
constexpr std::uint32_t kSlow[16] = {0,   50,   75,   110,  134,  150,  200,   300,
                                     600, 1200, 1800, 2400, 4800, 9600, 19200, 38400};
constexpr std::uint32_t kFast[16] = {0,       57600,   115200,  230400,  460800,  500000,
                                     576000,  921600,  1000000, 1152000, 1500000, 2000000,
                                     2500000, 3000000, 3500000, 4000000};

}  // namespace

TerminalSettings accepted_settings(TerminalSettings wanted) {
  wanted.control = (wanted.control & ~(kCharacterSize | kParityEnable)) | kCharacterSize | kReceive;
  const std::uint32_t baud = wanted.control & kBaudMask;
  if (baud != kBaudOther) {
    const std::uint32_t speed = (baud & kBaudOther) != 0 ? kFast[baud & 0xf] : kSlow[baud & 0xf];
    wanted.input_speed = wanted.output_speed = speed;
  }
  return wanted;
}

}  // namespace plumbline::linux_abi
