/* A program that is not Python and loads one while it runs, in the ways that exist:
 *
 *     embedding LIBRARY local|global|searched|run-path|restarted
 *
 * by its path with RTLD_LOCAL or RTLD_GLOBAL, by its bare name (LD_LIBRARY_PATH has its folder), or
 * by its bare name along this program's own run path. What Python then takes, and what C takes
 * before and after, is known. Restarted, it ends and begins again, and then loses references. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char script[] = "def inside():\n"
                             "    return bytes(5000003)\n"
                             "held = inside()\n";

static const char losing[] =
    "import ctypes\n"
    "class Late: pass\n"
    "for _ in range(1000): ctypes.pythonapi.Py_IncRef(ctypes.py_object(Late()))\n";

static void *find(void *library, const char *name) {
    void *symbol = dlsym(library, name);
    if (!symbol) {
        fprintf(stderr, "%s\n", dlerror());
        exit(3);
    }
    return symbol;
}

int main(int argc, char **argv) {
    if (argc != 3)
        return 2;
    void *volatile before = malloc(7000001);
    int local = strcmp(argv[2], "local") == 0;
    int restarted = strcmp(argv[2], "restarted") == 0;
    int bare = !local && !restarted && strcmp(argv[2], "global") != 0;
    const char *slash = strrchr(argv[1], '/');
    void *library =
        dlopen(bare ? slash + 1 : argv[1], RTLD_NOW | (local ? RTLD_LOCAL : RTLD_GLOBAL));
    if (!library) {
        fprintf(stderr, "%s\n", dlerror());
        return 3;
    }
    void (*initialize)(int);
    int (*run)(const char *);
    void *symbol = find(library, "Py_InitializeEx");
    memcpy(&initialize, &symbol, sizeof symbol);
    symbol = find(library, "PyRun_SimpleString");
    memcpy(&run, &symbol, sizeof symbol);
    initialize(0);
    if (run(script) != 0)
        return 4;
    if (restarted) {
        int (*finalize)(void);
        symbol = find(library, "Py_FinalizeEx");
        memcpy(&finalize, &symbol, sizeof finalize);
        finalize();
        initialize(0);
        if (run(losing) != 0)
            return 5;
        finalize();
    }
    void *volatile summit = malloc(64 << 20);
    printf("%d\n", before && summit);
    return 0;
}
