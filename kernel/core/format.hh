// printf-like formatting into a buffer. Portable.
#pragma once

#include <cstdarg>
#include <cstddef>
#include <span>

namespace plumbline {

// Formats as vsnprintf does, without floating point, positional arguments and %n. Always terminates
// a buffer that is not empty; returns the length of the text that is in the buffer (not what it
// would have been).
std::size_t format_list(std::span<char> buffer, const char* format, std::va_list arguments);
[[gnu::format(printf, 2, 3)]] std::size_t format_text(std::span<char> buffer, const char* format,
                                                      ...);

}  // namespace plumbline
