# Warnings are errors in every build. -fno-exceptions and -fno-rtti hold for the hosted builds' kernel sources too,
# so that what compiles there compiles in the kernel.
set(PLUMBLINE_WARNINGS
  -Wall -Wextra -Werror -Wshadow -Wnon-virtual-dtor -Wold-style-cast -Wcast-align -Wundef -Wno-unused-parameter)
