/* The types of objects whose memory is given back (`run --lifetimes`).
 *
 * A block of the object domain that is about to be freed still holds the object that it was, whose
 * count is 0: its type is read there, behind the header that objects of such a type have. Each type
 * has a number, which the collector is told once, with its name and whether it has a finalizer.
 * What was no object, or cannot be told from something else, has none.
 */
#ifndef HOLDFAST_PRELOAD_TYPES_H
#define HOLDFAST_PRELOAD_TYPES_H

#include <stddef.h>
#include <stdint.h>

struct writer;

/* The process has joined a session with lifetimes: no type has a number yet. */
void types_begin(void);

/* The number of the type (FREE_TYPE_NONE, FREE_TYPE_REST) that the object in this block has, which
 * is about to be freed. Defines in `writer`'s ring what is new. Inside of an event, by who may free
 * objects. */
uint32_t types_number(struct writer *writer, const void *block);

/* The same of an object that lives, whose block begins with these bytes: of what may not be read,
 * 0. */
#define TYPES_BEGIN 48u
uint32_t types_of_living(struct writer *writer, const char begin[TYPES_BEGIN]);

/* "module.Class" of a type that lives, cut to `size` bytes with its NUL, as heap graphs have it. */
void types_name(const char *type, char *to, size_t size);

/* The same object goes without being told. When it is a type, another one may get its address. */
void types_missed(const void *block);

#endif
