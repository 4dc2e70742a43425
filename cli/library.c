/* See library.h. */
#include "library.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_NAME "/libholdfast.so"

static bool is_here(const char *folder, const char *rest, char library[PATH_MAX]) {
    char candidate[2 * PATH_MAX];
    snprintf(candidate, sizeof candidate, "%s%s" FILE_NAME, folder, rest);
    return realpath(candidate, library) && access(library, R_OK) == 0;
}

/* Cuts the last part of a path off; true when that was `name`. */
static bool cut(char *path, const char *name) {
    char *slash = strrchr(path, '/');
    bool same = slash && strcmp(slash + 1, name) == 0;
    if (slash)
        *slash = '\0';
    return same;
}

/* Cuts a folder that executables are installed in, "bin", off its prefix. */
static bool cut_bindir(char *path) {
    char bindir[] = "/" HOLDFAST_BINDIR;
    for (char *slash; (slash = strrchr(bindir, '/')); *slash = '\0')
        if (!cut(path, slash + 1))
            return false;
    return true;
}

/* This executable; where /proc is missing, by the name that it was started by. */
static bool own_path(char path[PATH_MAX]) {
    const char *name = (const char *)getauxval(AT_EXECFN);
    return realpath("/proc/self/exe", path) || (name && realpath(name, path));
}

bool library_find(char library[PATH_MAX]) {
    char path[PATH_MAX];
    if (own_path(path)) {
        cut(path, "");
        if (is_here(path, "/../preload", library))
            return true;
        if (cut_bindir(path) && is_here(path, "/" HOLDFAST_LIBRARY_DIR, library))
            return true;
    }
    return is_here(HOLDFAST_INSTALLED_LIBRARY_DIR, "", library);
}

static uint64_t hash(const char *text) {
    uint64_t value = 14695981039346656037u; /* FNV-1a */
    for (; *text; text++)
        value = (value ^ (unsigned char)*text) * 1099511628211u;
    return value;
}

/* A link of ours, which in such folders nobody else can change. */
static bool is_link_to(const char *link, const char *library) {
    char target[PATH_MAX];
    struct stat status;
    ssize_t size = readlink(link, target, sizeof target);
    return size == (ssize_t)strlen(library) && memcmp(target, library, (size_t)size) == 0 &&
           lstat(link, &status) == 0 && status.st_uid == geteuid();
}

bool library_name(char name[PATH_MAX], const char *library) {
    static const char *const folders[] = {"/tmp", "/var/tmp", "/dev/shm"};
    snprintf(name, PATH_MAX, "%s", library);
    if (!strpbrk(library, ": $"))
        return true;
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        snprintf(name, PATH_MAX, "%s/holdfast-%u-%016llx.so", folders[i], geteuid(),
                 (unsigned long long)hash(library));
        /* Another run may be making the same one. */
        if (is_link_to(name, library) || symlink(library, name) == 0 || is_link_to(name, library))
            return true;
    }
    return false;
}
