#include "core/boot_options.hh"

#include "core/format.hh"

namespace plumbline {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

bool set_value(BootOptionBase& base, std::string_view text) {
  switch (base.kind) {
    case BootOptionBase::Kind::kNumber: {
      auto& option = static_cast<BootOption<std::uint64_t>&>(base);
      std::uint64_t value;
      if (!parse_number(text, value) || value < option.minimum || value > option.maximum) {
        return false;
      }
      option.value = value;
      return true;
    }
    case BootOptionBase::Kind::kSwitch: {
      auto& option = static_cast<BootOption<bool>&>(base);
      if (text != "on" && text != "off") return false;
      option.value = text == "on";
      return true;
    }
    case BootOptionBase::Kind::kText:
      static_cast<BootOption<std::string_view>&>(base).value = text;
      return true;
    case BootOptionBase::Kind::kChoice: {
      auto& option = static_cast<BootOption<Choice>&>(base);
      for (std::size_t i = 0; i < option.words.size(); ++i) {
        if (text == option.words[i]) {
          option.value = i;
          return true;
        }
      }
      return false;
    }
    case BootOptionBase::Kind::kTextList: {
      auto& option = static_cast<BootOption<TextList>&>(base);
      if (option.count == option.kMost) return false;
      option.values[option.count++] = text;
      return true;
    }
  }
  return false;
}

}  // namespace

bool parse_number(std::string_view text, std::uint64_t& value) {
  unsigned base = 10;
  if (text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
    base = 16;
    text.remove_prefix(2);
  }
  unsigned shift = 0;
  if (!text.empty()) {
    switch (text.back()) {
      case 'K':
        shift = 10;
        break;
      case 'M':
        shift = 20;
        break;
      case 'G':
        shift = 30;
        break;
      case 'T':
        shift = 40;
        break;
      default:
        break;
    }
    if (shift != 0) text.remove_suffix(1);
  }
  if (text.empty()) return false;
  std::uint64_t result = 0;
  for (const char c : text) {
    unsigned digit;
    if (c >= '0' && c <= '9') {
      digit = static_cast<unsigned>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      digit = static_cast<unsigned>(c - 'a') + 10;
    } else if (c >= 'A' && c <= 'F') {
      digit = static_cast<unsigned>(c - 'A') + 10;
    } else {
      return false;
    }
    if (digit >= base) return false;
    if (__builtin_mul_overflow(result, std::uint64_t{base}, &result)) return false;
    if (__builtin_add_overflow(result, std::uint64_t{digit}, &result)) return false;
  }
  if (shift != 0 && (result >> (64 - shift)) != 0) return false;
  value = result << shift;
  return true;
}

BootOptionResult parse_boot_options(std::string_view line,
                                    std::span<BootOptionBase* const> options) {
  std::size_t at = 0;
  for (;;) {
    while (at < line.size() && is_space(line[at])) ++at;
    if (at == line.size()) return {};
    const std::size_t begin = at;
    while (at < line.size() && !is_space(line[at])) ++at;
    const std::string_view word = line.substr(begin, at - begin);
    if (word == "help") return {BootOptionError::kHelp, word, {}, nullptr};
    const std::size_t equals = word.find('=');
    const std::string_view name = word.substr(0, equals);
    const std::string_view value =
        equals == std::string_view::npos ? std::string_view{} : word.substr(equals + 1);
    BootOptionBase* found = nullptr;
    for (BootOptionBase* option : options) {
      if (name == option->name) found = option;
    }
    if (found == nullptr) return {BootOptionError::kUnknown, name, value, nullptr};
    if (equals == std::string_view::npos || !set_value(*found, value)) {
      return {BootOptionError::kBadValue, name, value, found};
    }
    found->given = true;
  }
}

void describe_allowed(const BootOptionBase& base, std::span<char> buffer) {
  switch (base.kind) {
    case BootOptionBase::Kind::kNumber: {
      const auto& option = static_cast<const BootOption<std::uint64_t>&>(base);
      format_text(buffer, "a number from %lu to %lu (suffixes K, M, G)", option.minimum,
                  option.maximum);
      return;
    }
    case BootOptionBase::Kind::kSwitch:
      format_text(buffer, "on or off");
      return;
    case BootOptionBase::Kind::kText:
      format_text(buffer, "text without spaces");
      return;
    case BootOptionBase::Kind::kTextList:
      format_text(buffer, "text without spaces, at most %zu times", BootOption<TextList>::kMost);
      return;
    case BootOptionBase::Kind::kChoice: {
      std::size_t length = format_text(buffer, "one of ");
      const char* separator = "";
      for (const char* word : static_cast<const BootOption<Choice>&>(base).words) {
        length += format_text(buffer.subspan(length), "%s%s", separator, word);
        separator = ", ";
      }
      return;
    }
  }
}

}  // namespace plumbline
