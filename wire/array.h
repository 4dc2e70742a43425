/* Arrays that grow. Memory that runs out is a value here: who asked for it says so.
 */
#ifndef HOLDFAST_WIRE_ARRAY_H
#define HOLDFAST_WIRE_ARRAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Makes room for `count` elements of `size` bytes in *array (a pointer to a pointer). New elements
 * are zeroed. False when there is no memory: everything is as it was. */
static inline bool array_reserve(void *array, uint32_t *capacity, uint64_t count, size_t size) {
    if (count <= *capacity)
        return true;
    uint64_t wanted = *capacity ? *capacity + (uint64_t)*capacity / 2 : 16;
    if (wanted < count)
        wanted = count;
    if (wanted > UINT32_MAX)
        return false;
    void *old;
    memcpy(&old, array, sizeof old);
    char *grown = realloc(old, wanted * size);
    if (!grown)
        return false;
    memset(grown + *capacity * size, 0, (wanted - *capacity) * size);
    memcpy(array, &grown, sizeof grown);
    *capacity = (uint32_t)wanted;
    return true;
}

#endif
