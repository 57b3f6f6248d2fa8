// What the compiler and the header-only part of the standard library call by name.
#include <cstddef>

#include "core/panic.hh"

extern "C" {

// A virtual function that has no body was called.
void __cxa_pure_virtual() { plumbline::panic("a pure virtual function was called"); }

}  // extern "C"

namespace std {

// Bounds errors of string_view, span and the like.
[[noreturn]] void __throw_out_of_range(const char* what) { plumbline::panic("%s", what); }
[[noreturn]] void __throw_out_of_range_fmt(const char* what, ...) { plumbline::panic("%s", what); }
[[noreturn]] void __throw_length_error(const char* what) { plumbline::panic("%s", what); }
[[noreturn]] void __throw_logic_error(const char* what) { plumbline::panic("%s", what); }
[[noreturn]] void __throw_invalid_argument(const char* what) { plumbline::panic("%s", what); }
[[noreturn]] void __throw_bad_optional_access() { plumbline::panic("bad optional access"); }
[[noreturn]] void __throw_bad_variant_access(const char* what) { plumbline::panic("%s", what); }
[[noreturn]] void __throw_bad_function_call() { plumbline::panic("bad function call"); }

// -D_GLIBCXX_ASSERTIONS, where it is used.
[[noreturn]] void __glibcxx_assert_fail(const char* file, int line, const char* function,
                                        const char* condition) noexcept {
  plumbline::panic("%s:%d: %s: %s", file, line, function, condition);
}

}  // namespace std
