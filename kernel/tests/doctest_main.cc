// doctest's own code and main(), compiled once for all hosted tests: it takes gcc longer than most
// tests do.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
