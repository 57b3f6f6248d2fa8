#include "linux/terminals/output_processing.hh"

namespace plumbline::linux_abi {

std::span<const std::uint8_t> OutputProcessing::process(std::uint8_t byte,
                                                        const TerminalSettings& settings) {
  const auto has = [&](std::uint32_t bit) { return (settings.output & bit) != 0; };
  bytes_[0] = byte;
  if (!has(kProcessOutput)) return {bytes_.data(), 1};
  switch (byte) {
    case '\n':
      if (has(kNewlineReturns)) column_ = 0;
      if (!has(kNewlineAddsReturn)) break;
      column_ = 0;
      bytes_[0] = '\r';
      bytes_[1] = '\n';
      return {bytes_.data(), 2};
    case '\r':
      if (has(kNoReturnAtColumn0) && column_ == 0) return {};
      if (has(kReturnBecomesNewline)) {
        bytes_[0] = '\n';
        if (has(kNewlineReturns)) column_ = 0;
        break;
      }
      column_ = 0;
      break;
    case '\t': {
      const unsigned spaces = 8 - column_ % 8;
      column_ += spaces;
      if ((settings.output & kTabMask) != kExpandTabs) break;
      bytes_.fill(' ');
      return {bytes_.data(), spaces};
    }
    case '\b':
      back();
      break;
    default: {
      if (is_control(byte)) break;
      if (has(kToUpperCase) && byte >= 'a' && byte <= 'z')
        bytes_[0] = static_cast<std::uint8_t>(byte - 'a' + 'A');
      const bool continues = (settings.input & kUtf8) != 0 && (byte & 0xc0) == 0x80;
      if (!continues) ++column_;
      break;
    }
  }
  return {bytes_.data(), 1};
}

}  // namespace plumbline::linux_abi
