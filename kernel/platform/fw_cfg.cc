#include "platform/fw_cfg.hh"

#include <initializer_list>

#include "arch/x86_64/mmio.hh"

namespace plumbline {
namespace {

constexpr std::uint16_t kSelector = 0x510, kData = 0x511;
constexpr std::uint16_t kSignature = 0, kCpuCount = 5;

}  // namespace

unsigned fw_cfg_cpu_count() {
  port_out<std::uint16_t>(kSelector, kSignature);
  for (const char expected : {'Q', 'E', 'M', 'U'}) {
    if (port_in<std::uint8_t>(kData) != static_cast<std::uint8_t>(expected)) return 0;
  }
  port_out<std::uint16_t>(kSelector, kCpuCount);
  const unsigned low = port_in<std::uint8_t>(kData);
  return low | unsigned{port_in<std::uint8_t>(kData)} << 8;
}

}  // namespace plumbline
