/* Fixed work for tests/e2e/test_instructions.py: `counted WORK N` does it N times. What one time
 * costs is the difference between N and 2N times. */
#include <stdlib.h>
#include <string.h>

/* A block that is given back at once. */
static void pair(long count) {
    for (long i = 0; i < count; i++)
        free(malloc(16 + (size_t)(i & 127)));
}

/* A block that stays. */
static void keep(long count) {
    for (long i = 0; i < count; i++)
        if (!malloc(48))
            abort();
}

/* A block that gets another size and stays where it is. */
static void resize(long count) {
    char *block = malloc(64);
    for (long i = 0; i < count; i++)
        block = realloc(block, i & 1 ? 56 : 64);
    free(block);
}

int main(int argc, char **argv) {
    if (argc != 3)
        return 2;
    long count = atol(argv[2]);
    if (strcmp(argv[1], "pair") == 0)
        pair(count);
    else if (strcmp(argv[1], "keep") == 0)
        keep(count);
    else if (strcmp(argv[1], "resize") == 0)
        resize(count);
    else
        return 2;
    return 0;
}
