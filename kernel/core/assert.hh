// Assertions that stay on in every build: a failed one ends the guest (panic) or the hosted process
// (abort).
#pragma once

namespace plumbline {

// Reports a failed assertion and does not return. The kernel panics with a backtrace; the hosted
// build aborts. `message` may be null.
[[noreturn]] void assertion_failed(const char* expression, const char* message, const char* file,
                                   int line);

}  // namespace plumbline

#define ASSERT_MSG(condition, message)                                          \
  (__builtin_expect(!(condition), 0)                                            \
       ? ::plumbline::assertion_failed(#condition, message, __FILE__, __LINE__) \
       : static_cast<void>(0))
#define ASSERT(condition) ASSERT_MSG(condition, nullptr)
