/* Sizes as users write them. */
#ifndef HOLDFAST_CLI_SIZE_H
#define HOLDFAST_CLI_SIZE_H

#include <stdbool.h>
#include <stdint.h>

/* Reads "1073741824", "512MiB", "2GB" or "1.5 GiB": a number, and perhaps a unit (B; kB, MB, GB, TB
 * by thousands; KiB, MiB, GiB, TiB, or just K, M, G, T, by 1,024; in any case). False when it is
 * anything else, or less than one byte, or 2^48 bytes and more. */
bool size_parse(const char *text, uint64_t *bytes);

#endif
