/* What conformance programs print: one line a result, the same on every system that does what Linux
 * does. No addresses, process numbers, times or inode numbers. */
#pragma once

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The result of a call that returns -1 with errno, or a number that must agree: "name = 3" or "name
 * = EINVAL". */
static inline long report_result(const char* name, long value) {
  if (value == -1) {
    const char* error = strerrorname_np(errno);
    printf("%s = %s\n", name, error != NULL ? error : "?");
  } else {
    printf("%s = %ld\n", name, value);
  }
  fflush(stdout);
  return value;
}
/* The same for calls whose successful value may differ (descriptors, addresses): "name = ok". */
static inline long report_success(const char* name, long value) {
  if (value == -1) return report_result(name, value);
  printf("%s = ok\n", name);
  fflush(stdout);
  return value;
}
static inline void report_text(const char* name, const char* text) {
  printf("%s = \"%s\"\n", name, text);
  fflush(stdout);
}
static inline void report_flag(const char* name, int truth) {
  printf("%s = %s\n", name, truth ? "yes" : "no");
  fflush(stdout);
}

#define RESULT(call) (errno = 0, report_result(#call, (long)(call)))
#define SUCCESS(call) (errno = 0, report_success(#call, (long)(call)))
#define FLAG(condition) report_flag(#condition, (condition) != 0)

/* Setting up must work; otherwise the program says where and stops. */
#define NEED(condition)                                                           \
  do {                                                                            \
    if (!(condition)) {                                                           \
      printf("%s:%d: %s: %s\n", __FILE__, __LINE__, #condition, strerror(errno)); \
      exit(99);                                                                   \
    }                                                                             \
  } while (0)
