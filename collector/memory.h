/* Arrays that grow. Memory that runs out is a value here: the collector outlives it, and says so.
 */
#ifndef HOLDFAST_COLLECTOR_MEMORY_H
#define HOLDFAST_COLLECTOR_MEMORY_H

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

static inline uint64_t hash_mix(uint64_t value) {
    value ^= value >> 32;
    value *= 0xd6e8feb86659fd93u;
    value ^= value >> 32;
    value *= 0xd6e8feb86659fd93u;
    return value ^ value >> 32;
}

static inline uint64_t hash_bytes(const void *bytes, size_t size, uint64_t seed) {
    const unsigned char *at = bytes;
    uint64_t hash = hash_mix(seed ^ size);
    for (; size >= 8; size -= 8, at += 8) {
        uint64_t word;
        memcpy(&word, at, 8);
        hash = hash_mix(hash ^ word);
    }
    uint64_t rest = 0;
    memcpy(&rest, at, size);
    return hash_mix(hash ^ rest);
}

#endif
