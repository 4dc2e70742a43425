/* The two variables that carry a session from one process image to the next, hidden from the
 * program.
 *
 * The launcher puts them into the environment. A process that has read them takes them out again,
 * so that the program prints, passes on and compares the environment that it would have without us;
 * each exec-like call puts them back for the new image (exec.c).
 */
#ifndef HOLDFAST_PRELOAD_ENVIRONMENT_H
#define HOLDFAST_PRELOAD_ENVIRONMENT_H

#include <stdbool.h>
#include <stddef.h>

#define ENVIRONMENT_TEXT_MAX 4352u

/* What this process's own image was started with. */
struct environment {
    bool known;
    char session[160];                  /* "HOLDFAST_SESSION=..." */
    char preload[ENVIRONMENT_TEXT_MAX]; /* "LD_PRELOAD=<our library>" */
};

extern struct environment environment;

/* Reads both variables and takes them out of `environ`. Once; false when they are not there. */
bool environment_take(void);

/* Variables in `envp` (NULL: none). */
size_t environment_count(char *const envp[]);

/* The image that gets `envp` is to be left alone. */
bool environment_is_untraced(char *const envp[]);

/* Bytes of text that environment_build needs for `envp`. */
size_t environment_text_size(char *const envp[]);

/* Fills `built` (room for environment_count + 3) with envp's variables and ours; `text` takes a
 * joined LD_PRELOAD when envp has one of its own. */
void environment_build(char *const envp[], char **built, char *text);

#endif
