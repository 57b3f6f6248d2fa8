/* Answers readers on a UNIX socket, on a thread of its own. */
#ifndef PLUMBLINE_SERVER_H
#define PLUMBLINE_SERVER_H

#include <stdbool.h>
#include <stddef.h>

/* The longest answer: 256 marks of 64 vCPUs fit many times over. */
enum { kLongestAnswer = 8 << 20 };

/*
 * Writes the answer to a request line (without its line end) into `answer`, ended by a newline;
 * returns its length. Called on the server's thread.
 */
typedef size_t (*answer_function)(const char* request, char* answer, size_t capacity);

/* Listens on `path`. Returns false after printing why when that is impossible. */
bool server_start(const char* path, answer_function answer);

/* Removes the socket from the file system. */
void server_remove_socket(void);

#endif
