/* Loaded and unloaded again and again, under several names, mostly at the same address:
 * tests/e2e/test_native.py. */
#include <dlfcn.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#ifdef PLUGIN
void *volatile kept;

__attribute__((noinline)) void PLUGIN(size_t size) {
    kept = malloc(size);
    __asm__ volatile("");
}

void take(size_t size);
void take(size_t size) {
    PLUGIN(size);
    __asm__ volatile("");
}
#else
int main(int argc, char **argv) {
    int times = atoi(argv[argc - 1]);
    for (int i = 0; i < times; i++) {
        void *plugin = dlopen(argv[1 + i % (argc - 2)], RTLD_NOW);
        void (*take)(size_t) = plugin ? (void (*)(size_t))dlsym(plugin, "take") : NULL;
        if (!take)
            return 1;
        take(1000u + (unsigned)(i % (argc - 2)));
        dlclose(plugin);
    }
    printf("%ld\n", (long)clock()); /* what it has cost */
    return 0;
}
#endif
