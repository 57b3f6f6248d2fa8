#include "options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool parse_range(const char* text, struct idle_range* range) {
  char* end;
  errno = 0;
  range->start = strtoull(text, &end, 0);
  if (end == text || *end != '-') return false;
  const char* second = end + 1;
  range->end = strtoull(second, &end, 0);
  return end != second && *end == '\0' && errno == 0 && range->start < range->end;
}

bool options_parse(struct options* options, int argc, char** argv) {
  for (int i = 0; i < argc; i++) {
    if (strncmp(argv[i], "socket=", 7) == 0 && argv[i][7] != '\0') {
      options->socket_path = argv[i] + 7;
    } else if (strncmp(argv[i], "final=", 6) == 0 && argv[i][6] != '\0') {
      options->final_path = argv[i] + 6;
    } else if (strncmp(argv[i], "idle=", 5) == 0) {
      if (options->idle_count == kMaxIdleRanges) {
        fprintf(stderr, "counting plugin: %s: more than %d idle ranges\n", argv[i], kMaxIdleRanges);
        return false;
      }
      if (!parse_range(argv[i] + 5, &options->idle[options->idle_count++])) {
        fprintf(stderr,
                "counting plugin: %s: not START-END with START below END (0x for hexadecimal)\n",
                argv[i]);
        return false;
      }
    } else {
      fprintf(stderr,
              "counting plugin: %s: unknown; allowed: socket=PATH, idle=START-END, final=PATH\n",
              argv[i]);
      return false;
    }
  }
  if (options->socket_path == NULL) fprintf(stderr, "counting plugin: socket=PATH is missing\n");
  return options->socket_path != NULL;
}
