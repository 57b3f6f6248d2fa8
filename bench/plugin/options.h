/* The plugin's options, from `-plugin file=...,name=value,...`. */
#ifndef PLUMBLINE_OPTIONS_H
#define PLUMBLINE_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

enum { kMaxIdleRanges = 16 };

struct idle_range {
  uint64_t start; /* first virtual address */
  uint64_t end;   /* one past the last */
};

struct options {
  const char* socket_path; /* socket=PATH, required */
  const char* final_path;  /* final=PATH: the counters are written there when QEMU exits */
  struct idle_range idle[kMaxIdleRanges]; /* idle=START-END, several times */
  int idle_count;
};

/* Parses all options; false after printing which one is wrong and what is allowed. */
bool options_parse(struct options* options, int argc, char** argv);

/* Whether an instruction's address lies in an idle range. */
static inline bool options_is_idle(const struct options* options, uint64_t address) {
  for (int i = 0; i < options->idle_count; i++) {
    if (address >= options->idle[i].start && address < options->idle[i].end) return true;
  }
  return false;
}

#endif
