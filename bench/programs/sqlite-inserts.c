/* SQLite in memory, as a library: rows inserted one statement and one transaction at a time, the
 * job that unikernels have been compared with (Kuenzer et al., EuroSys 2021, figure 17). Prints the
 * time of each repetition as JSON.
 *
 * sqlite-inserts ROWS REPETITIONS */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Of SQLite's interface (sqlite.org/c3ref), what is used; its header is in no package that programs
 * need to run. */
typedef struct sqlite3 sqlite3;
int sqlite3_open(const char* name, sqlite3** database);
int sqlite3_close(sqlite3* database);
int sqlite3_exec(sqlite3* database, const char* statements, int (*row)(void*, int, char**, char**),
                 void* argument, char** error);
const char* sqlite3_errmsg(sqlite3* database);

static void execute(sqlite3* database, const char* statement,
                    int (*row)(void*, int, char**, char**), void* argument) {
  if (sqlite3_exec(database, statement, row, argument, NULL) == 0) return;
  fprintf(stderr, "%s: %s\n", statement, sqlite3_errmsg(database));
  exit(1);
}

static int read_count(void* count, int columns, char** values, char** names) {
  (void)columns;
  (void)names;
  *(long*)count = atol(values[0]);
  return 0;
}

static uint64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

int main(int count, char** arguments) {
  const long rows = count > 1 ? atol(arguments[1]) : 60000,
             repetitions = count > 2 ? atol(arguments[2]) : 1;
  printf("{\"rows\":%ld,\"times\":[", rows);
  for (long repetition = 0; repetition < repetitions; ++repetition) {
    sqlite3* database;
    const uint64_t begin = now();
    if (sqlite3_open(":memory:", &database) != 0) return 1;
    execute(database, "CREATE TABLE entries (id INTEGER PRIMARY KEY, name TEXT, amount INTEGER)",
            NULL, NULL);
    for (long i = 0; i < rows; ++i) {
      char statement[128];
      snprintf(statement, sizeof statement,
               "INSERT INTO entries VALUES (%ld, 'entry number %ld', %ld)", i, i * 7919,
               i * i % 1000003);
      execute(database, statement, NULL, NULL);
    }
    const uint64_t end = now();
    long stored = -1;
    execute(database, "SELECT count(*) FROM entries", read_count, &stored);
    sqlite3_close(database);
    if (stored != rows) {
      fprintf(stderr, "%ld rows instead of %ld\n", stored, rows);
      return 1;
    }
    printf("%s%lu", repetition == 0 ? "" : ",", end - begin);
  }
  printf("]}\ndone\n");
  return 0;
}
