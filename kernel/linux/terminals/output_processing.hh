// What becomes of a byte on its way out (termios(3), c_oflag), and the column it leaves the cursor
// in. Portable.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "linux/terminals/settings.hh"

namespace plumbline::linux_abi {

class OutputProcessing {
 public:
  // The bytes that `byte` becomes: at most a tab's spaces. Valid until the next call.
  std::span<const std::uint8_t> process(std::uint8_t byte, const TerminalSettings& settings);
  unsigned column() const { return column_; }
  void back() {
    if (column_ > 0) --column_;
  }

 private:
  std::array<std::uint8_t, 8> bytes_{};
  unsigned column_ = 0;
};

constexpr bool is_control(std::uint8_t byte) { return byte < 32 || byte == 127; }

}  // namespace plumbline::linux_abi
