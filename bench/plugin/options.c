#include "options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool parse_range(const char* text, struct address_range* range) {
  char* end;
  errno = 0;
  range->start = strtoull(text, &end, 0);
  if (end == text || *end != '-') return false;
  const char* second = end + 1;
  range->end = strtoull(second, &end, 0);
  return end != second && *end == '\0' && errno == 0 && range->start < range->end;
}

/* False after printing what is wrong with `option`, whose value is `text`. */
static bool add_range(struct address_ranges* ranges, const char* option, const char* text) {
  if (ranges->count == kMaxRanges) {
    fprintf(stderr, "counting plugin: %s: more than %d such ranges\n", option, kMaxRanges);
    return false;
  }
  if (parse_range(text, &ranges->list[ranges->count++])) return true;
  fprintf(stderr, "counting plugin: %s: not START-END with START below END (0x for hexadecimal)\n",
          option);
  return false;
}

bool options_parse(struct options* options, int argc, char** argv) {
  for (int i = 0; i < argc; i++) {
    if (strncmp(argv[i], "socket=", 7) == 0 && argv[i][7] != '\0') {
      options->socket_path = argv[i] + 7;
    } else if (strncmp(argv[i], "final=", 6) == 0 && argv[i][6] != '\0') {
      options->final_path = argv[i] + 6;
    } else if (strncmp(argv[i], "idle=", 5) == 0) {
      if (!add_range(&options->idle, argv[i], argv[i] + 5)) return false;
    } else if (strncmp(argv[i], "kernel=", 7) == 0) {
      if (!add_range(&options->kernel, argv[i], argv[i] + 7)) return false;
    } else {
      fprintf(stderr,
              "counting plugin: %s: unknown; allowed: socket=PATH, idle=START-END, "
              "kernel=START-END, final=PATH\n",
              argv[i]);
      return false;
    }
  }
  if (options->socket_path == NULL) fprintf(stderr, "counting plugin: socket=PATH is missing\n");
  return options->socket_path != NULL;
}
