// The C library's searching functions that headers of the standard library call. Copying and
// comparing are in arch/x86_64/memory_functions.S.
#include <cstddef>

extern "C" {

// The compiler must not turn the loops into calls of the functions they implement.
[[gnu::optimize("no-tree-loop-distribute-patterns")]] void* memchr(const void* memory, int value,
                                                                   std::size_t size) {
  const auto* bytes = static_cast<const unsigned char*>(memory);
  for (std::size_t i = 0; i < size; ++i) {
    if (bytes[i] == static_cast<unsigned char>(value)) {
      return const_cast<unsigned char*>(bytes + i);
    }
  }
  return nullptr;
}

[[gnu::optimize("no-tree-loop-distribute-patterns")]] std::size_t strnlen(const char* text,
                                                                          std::size_t most) {
  std::size_t length = 0;
  while (length < most && text[length] != '\0') ++length;
  return length;
}

[[gnu::optimize("no-tree-loop-distribute-patterns")]] int strcmp(const char* a, const char* b) {
  while (*a != '\0' && *a == *b) {
    ++a;
    ++b;
  }
  return static_cast<unsigned char>(*a) - static_cast<unsigned char>(*b);
}

}  // extern "C"
