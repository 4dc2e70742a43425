/* See version.h. */
#include "version.h"

#include <elfutils/libdwfl.h>
#include <jansson.h>
#include <protobuf-c/protobuf-c.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#if defined(__clang__)
#define COMPILER "clang " __clang_version__
#elif defined(__GNUC__)
#define COMPILER "gcc " __VERSION__
#else
#define COMPILER "an unknown compiler"
#endif

#if defined(__x86_64__)
#define ARCHITECTURE "x86_64"
#elif defined(__aarch64__)
#define ARCHITECTURE "aarch64"
#else
#error "unknown architecture"
#endif

/* " 3.8 3.9 ... 3.14t ": a space before and behind each; free-threaded ones end in "t". */
static const char pythons[] = HOLDFAST_PYTHONS;

bool version_knows_python(const char *version, bool free_threaded) {
    char wanted[32];
    size_t major = strcspn(version, ".");
    size_t length = major + (version[major] ? 1 + strspn(version + major + 1, "0123456789") : 0);
    if (length + 4 > sizeof wanted)
        return false;
    snprintf(wanted, sizeof wanted, " %.*s%s ", (int)length, version, free_threaded ? "t" : "");
    return strstr(pythons, wanted) != NULL;
}

/* The oldest and the newest of one kind; minor versions are without a gap. */
static void put_range(bool free_threaded, FILE *out) {
    char list[sizeof pythons], *rest;
    const char *first = NULL, *last = NULL;
    memcpy(list, pythons, sizeof pythons);
    for (char *word = strtok_r(list, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        if ((strchr(word, 't') != NULL) != free_threaded)
            continue;
        first = first ? first : word;
        last = word;
    }
    if (first)
        fprintf(out, "%.*s to %.*s", (int)strcspn(first, "t"), first, (int)strcspn(last, "t"),
                last);
}

void version_put_pythons(FILE *out) {
    fputs("CPython ", out);
    put_range(false, out);
    fputs("; free-threaded ", out);
    put_range(true, out);
}

void version_print(FILE *out) {
    fprintf(out, "holdfast %s\n  for %s, built by %s%s\n", HOLDFAST_VERSION, ARCHITECTURE, COMPILER,
            HOLDFAST_PORTABLE ? ", portable (needs glibc 2.17 in the programs it traces)" : "");
    fprintf(out, "  with elfutils %s, zstd %s, zlib %s, jansson %s, protobuf-c %s\n",
            dwfl_version(NULL), ZSTD_versionString(), zlibVersion(), JANSSON_VERSION,
            protobuf_c_version());
    fputs("  reads the stacks of ", out);
    version_put_pythons(out);
    fputc('\n', out);
}
