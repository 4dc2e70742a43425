/* Code objects, as definitions in a ring. */
#ifndef HOLDFAST_PRELOAD_CODE_H
#define HOLDFAST_PRELOAD_CODE_H

#include <stdbool.h>
#include <stdint.h>

struct writer;

/* What is at `code` is a code object, with texts and a line table where they should be. The
 * self-check of the offset tables: made for each code object before anything of it is believed. */
bool code_check(const char *code);

/* Defines a code object, which has passed the check, under `number`. False when the ring takes no
 * more. */
bool code_define(struct writer *writer, const char *code, uint32_t number);

#endif
