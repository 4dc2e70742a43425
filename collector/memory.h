/* Arrays that grow (wire/array.h), and hashes. */
#ifndef HOLDFAST_COLLECTOR_MEMORY_H
#define HOLDFAST_COLLECTOR_MEMORY_H

#include "wire/array.h"

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
