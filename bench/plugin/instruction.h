/* Recognises the few x86 instructions that are counted apart, from their bytes. */
#ifndef PLUMBLINE_INSTRUCTION_H
#define PLUMBLINE_INSTRUCTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Legacy prefixes (Intel SDM volume 2, 2.1.1). */
static inline bool is_legacy_prefix(uint8_t byte) {
  switch (byte) {
    case 0x26:
    case 0x2e:
    case 0x36:
    case 0x3e:
    case 0x64:
    case 0x65: /* segments */
    case 0x66:
    case 0x67: /* operand and address size */
    case 0xf0:
    case 0xf2:
    case 0xf3: /* lock, repne, rep */
      return true;
    default:
      return false;
  }
}

/* ins, outs (6c-6f), movs, cmps (a4-a7), stos, lods, scas (aa-af). */
static inline bool is_string_opcode(uint8_t byte) {
  return (byte >= 0x6c && byte <= 0x6f) || (byte >= 0xa4 && byte <= 0xa7) ||
         (byte >= 0xaa && byte <= 0xaf);
}

/* A string instruction that repeats. Its opcode is its last byte, which tells `rep movs` from
 * `pause` and from SSE. */
static inline bool is_rep_string(const uint8_t* bytes, size_t size) {
  bool repeats = false;
  size_t at = 0;
  for (; at < size && is_legacy_prefix(bytes[at]); at++)
    repeats |= bytes[at] == 0xf2 || bytes[at] == 0xf3;
  if (at < size && (bytes[at] & 0xf0) == 0x40) at++; /* REX */
  return repeats && at + 1 == size && is_string_opcode(bytes[at]);
}

static inline bool is_halt(const uint8_t* bytes, size_t size) {
  return size == 1 && bytes[0] == 0xf4;
}

/* xchg %bx,%bx: does nothing and no compiler emits it. */
static inline bool is_marker(const uint8_t* bytes, size_t size) {
  return size == 3 && bytes[0] == 0x66 && bytes[1] == 0x87 && bytes[2] == 0xdb;
}

#endif
