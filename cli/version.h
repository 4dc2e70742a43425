/* What this executable is, and which interpreters it knows. */
#ifndef HOLDFAST_CLI_VERSION_H
#define HOLDFAST_CLI_VERSION_H

#include <stdbool.h>
#include <stdio.h>

/* What `holdfast --version` prints; the first line is the version alone. */
void version_print(FILE *out);

/* Whether the stacks of this CPython ("3.12", or "3.12.1") are read. */
bool version_knows_python(const char *version, bool free_threaded);

/* "CPython 3.8 to 3.14; free-threaded 3.13 and 3.14". */
void version_put_pythons(FILE *out);

#endif
