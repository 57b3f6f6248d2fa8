/* The plugin's options, from `-plugin file=...,name=value,...`. */
#ifndef PLUMBLINE_OPTIONS_H
#define PLUMBLINE_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

enum { kMaxRanges = 16 };

struct address_range {
  uint64_t start; /* first virtual address */
  uint64_t end;   /* one past the last */
};

struct options {
  const char* socket_path; /* socket=PATH, required */
  const char* final_path;  /* final=PATH: the counters are written there when QEMU exits */
  struct address_ranges {
    struct address_range list[kMaxRanges];
    int count;
  } idle,     /* idle=START-END, several times */
      kernel; /* kernel=START-END, several times: in the lower half, and the kernel's all the same
               */
};

/* Parses all options; false after printing which one is wrong and what is allowed. */
bool options_parse(struct options* options, int argc, char** argv);

/* Whether an instruction's address lies in one of the ranges. */
static inline bool is_within(const struct address_ranges* ranges, uint64_t address) {
  for (int i = 0; i < ranges->count; i++) {
    if (address >= ranges->list[i].start && address < ranges->list[i].end) return true;
  }
  return false;
}

#endif
