/* Blocks whose lives are known to the unit, for lives.py: each function says how many it ends, by
 * the number of bits of how many others had been allocated meanwhile. */
#include <stdlib.h>
#include <string.h>

#define DEEP 4096

static void *held[DEEP];

static void end(void *block, unsigned age, unsigned *ages) {
    unsigned bits = 0;
    for (; age; age >>= 1)
        bits++;
    ages[bits]++;
    free(block);
}

/* `count` blocks, of which `depth` are alive at a time. */
void churn(unsigned count, unsigned depth, unsigned *ages) {
    for (unsigned i = 0; i < count; i++) {
        void *block = malloc(64 + i % 7);
        memset(block, 1, 64);
        if (i >= depth)
            end(held[i % depth], depth, ages);
        held[i % depth] = block;
    }
    for (unsigned i = count - depth; i < count; i++)
        end(held[i % depth], count - 1 - i, ages);
}

/* One block, resized `count` times to where it has never been. */
void grow(unsigned count) {
    char *block = malloc(100);
    for (unsigned i = 1; i <= count; i++)
        block = realloc(block, 100 + 16 * (size_t)i);
    block[0] = 1;
    free(block);
}

void *leaked[DEEP];

void leak(unsigned count) {
    for (unsigned i = 0; i < count; i++)
        leaked[i] = malloc(1000);
}
