/* See inspect.h. */
#include "inspect.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#if defined(__x86_64__)
#define OUR_MACHINE EM_X86_64
#define OUR_32BIT_MACHINE EM_386
#define MULTIARCH "x86_64-linux-gnu"
#elif defined(__aarch64__)
#define OUR_MACHINE EM_AARCH64
#define OUR_32BIT_MACHINE EM_ARM
#define MULTIARCH "aarch64-linux-gnu"
#endif

#define SCRIPT_LEVELS 4
#define SCRIPT_LINE 256

__attribute__((format(printf, 3, 4))) static void
judge(struct inspected *result, enum inspection verdict, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(result->reason, sizeof result->reason, format, arguments);
    va_end(arguments);
    result->verdict = verdict;
}

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The first file of that name in PATH that may be executed; else the first that may not. */
static bool find_in_path(const char *name, char *found) {
    const char *path = getenv("PATH");
    bool any = false;
    for (const char *at = path ? path : "/usr/local/bin:/bin:/usr/bin"; at;) {
        int length = (int)strcspn(at, ":");
        char candidate[PATH_MAX];
        struct stat status;
        int written = length ? snprintf(candidate, sizeof candidate, "%.*s/%s", length, at, name)
                             : snprintf(candidate, sizeof candidate, "./%s", name);
        if (written < PATH_MAX && stat(candidate, &status) == 0 && S_ISREG(status.st_mode)) {
            bool executable = access(candidate, X_OK) == 0;
            if (executable || !any)
                snprintf(found, PATH_MAX, "%s", candidate);
            any = true;
            if (executable)
                return true;
        }
        at = at[length] ? at + length + 1 : NULL;
    }
    return any;
}

static bool find(const char *command, char *found) {
    if (!strchr(command, '/'))
        return command[0] != '\0' && find_in_path(command, found);
    struct stat status;
    if (strlen(command) >= PATH_MAX)
        return false;
    snprintf(found, PATH_MAX, "%s", command);
    return stat(command, &status) == 0;
}

/* ELF */

struct image {
    const unsigned char *bytes;
    size_t size;
};

static const void *part(const struct image *image, uint64_t offset, uint64_t size) {
    if (offset > image->size || size > image->size - offset)
        return NULL;
    return image->bytes + offset;
}

static const Elf64_Phdr *program_header(const struct image *image, const Elf64_Ehdr *header,
                                        uint32_t type) {
    const Elf64_Phdr *table = part(image, header->e_phoff, header->e_phnum * sizeof *table);
    for (unsigned i = 0; table && i < header->e_phnum; i++)
        if (table[i].p_type == type)
            return &table[i];
    return NULL;
}

static const char *text_at_address(const struct image *image, const Elf64_Ehdr *header,
                                   uint64_t address) {
    const Elf64_Phdr *table = part(image, header->e_phoff, header->e_phnum * sizeof *table);
    for (unsigned i = 0; table && i < header->e_phnum; i++) {
        uint64_t offset = address - table[i].p_vaddr + table[i].p_offset;
        if (table[i].p_type == PT_LOAD && address >= table[i].p_vaddr &&
            address - table[i].p_vaddr < table[i].p_filesz && offset < image->size &&
            memchr(image->bytes + offset, 0, image->size - offset))
            return (const char *)image->bytes + offset;
    }
    return NULL;
}

/* The name of the library that is needed and starts so; NULL: there is none. */
static const char *needed_library(const struct image *image, const Elf64_Ehdr *header,
                                  const char *prefix) {
    const Elf64_Phdr *dynamic = program_header(image, header, PT_DYNAMIC);
    const Elf64_Dyn *table = dynamic ? part(image, dynamic->p_offset, dynamic->p_filesz) : NULL;
    size_t count = table ? dynamic->p_filesz / sizeof *table : 0;
    uint64_t strings = 0;
    for (size_t i = 0; i < count; i++)
        if (table[i].d_tag == DT_STRTAB)
            strings = table[i].d_un.d_ptr;
    for (size_t i = 0; i < count; i++) {
        if (table[i].d_tag != DT_NEEDED)
            continue;
        const char *name = text_at_address(image, header, strings + table[i].d_un.d_val);
        if (name && strncmp(name, prefix, strlen(prefix)) == 0)
            return name;
    }
    return NULL;
}

/* The kernel runs foreign programs when someone has told it how to (binfmt_misc). */
static bool has_emulator(unsigned machine) {
    static const struct {
        unsigned machine;
        const char *file;
    } known[] = {{EM_AARCH64, "qemu-aarch64"}, {EM_ARM, "qemu-arm"},
                 {EM_X86_64, "qemu-x86_64"},   {EM_386, "qemu-i386"},
                 {EM_RISCV, "qemu-riscv64"},   {EM_PPC64, "qemu-ppc64le"},
                 {EM_S390, "qemu-s390x"}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        char path[128];
        snprintf(path, sizeof path, "/proc/sys/fs/binfmt_misc/%s", known[i].file);
        if (known[i].machine == machine && access(path, F_OK) == 0)
            return true;
    }
    return false;
}

static void judge_foreign(const char *path, unsigned machine, struct inspected *result) {
    if (machine == OUR_32BIT_MACHINE)
        judge(result, INSPECT_UNTRACEABLE, "%s is a 32-bit program, which cannot be traced", path);
    else if (has_emulator(machine))
        judge(result, INSPECT_UNTRACEABLE,
              "%s is for another architecture and runs in an emulator, where it cannot be traced",
              path);
    else
        judge(result, INSPECT_REFUSED,
              "%s is for another architecture; use one built for this machine", path);
}

static bool is_in(const char *folder, int length, const char *name) {
    char path[PATH_MAX + 32];
    snprintf(path, sizeof path, "%.*s/%s", length, folder, name);
    return access(path, F_OK) == 0;
}

/* What a portable library needs besides libc.so.6: all that its C library came with (see
 * preload/old_libc). The loader would end a program for which that is missing. */
static bool lacks_old_libc(const char *loader) {
    static const char *const folders[] = {"/lib/" MULTIARCH, "/usr/lib/" MULTIARCH, "/lib64",
                                          "/usr/lib64"};
    char real[PATH_MAX];
    if (!HOLDFAST_PORTABLE || !realpath(loader, real))
        return false;
    int length = (int)(base_name(real) - real);
    if (is_in(real, length, "libc.so.6"))
        return !is_in(real, length, "libdl.so.2");
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        if (is_in(folders[i], PATH_MAX, "libc.so.6"))
            return !is_in(folders[i], PATH_MAX, "libdl.so.2");
    return false;
}

static void judge_elf(const char *path, const struct image *image, struct inspected *result) {
    const Elf64_Ehdr *header = part(image, 0, sizeof *header);
    if (!header || header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_machine != OUR_MACHINE) {
        judge_foreign(path, header ? header->e_machine : EM_NONE, result);
        return;
    }
    const Elf64_Phdr *loader = program_header(image, header, PT_INTERP);
    if (!loader) {
        judge(result, INSPECT_UNTRACEABLE, "%s is statically linked and cannot be traced", path);
        return;
    }
    const char *name = part(image, loader->p_offset, loader->p_filesz);
    if (name && memmem(name, loader->p_filesz, "ld-musl", 7))
        judge(result, INSPECT_UNTRACEABLE,
              "%s uses musl instead of the GNU C library and cannot be traced", path);
    else if (needed_library(image, header, "libpypy"))
        judge(result, INSPECT_UNTRACEABLE, "%s is PyPy; only CPython can be traced", path);
    else if (name && loader->p_filesz > 0 && name[loader->p_filesz - 1] == '\0' &&
             lacks_old_libc(name))
        judge(result, INSPECT_UNTRACEABLE,
              "%s cannot be traced, as the C library here is incomplete: there is no libdl.so.2",
              path);
}

/* Files that run with more rights than we have ignore LD_PRELOAD. */
static bool gains_rights(const char *path, const struct stat *status) {
    if ((status->st_mode & S_ISUID) && status->st_uid != geteuid())
        return true;
    if ((status->st_mode & S_ISGID) && (status->st_mode & S_IXGRP) && status->st_gid != getegid())
        return true;
    return geteuid() != 0 && getxattr(path, "security.capability", NULL, 0) > 0;
}

static bool is_pypy(const char *path) {
    char real[PATH_MAX];
    return strncmp(base_name(path), "pypy", 4) == 0 ||
           (realpath(path, real) && strncmp(base_name(real), "pypy", 4) == 0);
}

/* The interpreter in "#! /path/to/it arguments", or the NAME in "#! /usr/bin/env NAME". */
static bool script_interpreter(const struct image *image, char *interpreter) {
    char line[SCRIPT_LINE + 1], *rest;
    size_t size = image->size < SCRIPT_LINE ? image->size : SCRIPT_LINE;
    if (size < 2 || image->bytes[0] != '#' || image->bytes[1] != '!')
        return false;
    memcpy(line, image->bytes + 2, size - 2);
    line[size - 2] = '\0';
    line[strcspn(line, "\n")] = '\0';
    char *name = strtok_r(line, " \t\r", &rest);
    if (name && strcmp(base_name(name), "env") == 0) {
        do
            name = strtok_r(NULL, " \t\r", &rest);
        while (name && (name[0] == '-' || strchr(name, '=')));
    }
    return name && find(name, interpreter);
}

/* Judges one file; true when it is a script, whose interpreter is to be judged next. */
static bool judge_file(const char *path, struct inspected *result, char *interpreter) {
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool script = false;
    if (stat(path, &status) == 0 && gains_rights(path, &status))
        judge(result, INSPECT_UNTRACEABLE,
              "%s runs with extra rights (setuid, setgid or capabilities) and cannot be traced",
              path);
    else if (is_pypy(path))
        judge(result, INSPECT_UNTRACEABLE, "%s is PyPy; only CPython can be traced", path);
    else if (fd >= 0 && status.st_size > 0) {
        void *bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        struct image image = {bytes, (size_t)status.st_size};
        if (bytes != MAP_FAILED) {
            if (image.size > SELFMAG && memcmp(bytes, ELFMAG, SELFMAG) == 0)
                judge_elf(path, &image, result);
            else
                script = script_interpreter(&image, interpreter);
            munmap(bytes, image.size);
        }
    }
    if (fd >= 0)
        close(fd);
    return script;
}

void inspect_command(const char *command, struct inspected *result) {
    struct stat status;
    *result = (struct inspected){.verdict = INSPECT_TRACEABLE};
    if (!find(command, result->path)) {
        judge(result, INSPECT_REFUSED, "%s: command not found; check its name and PATH", command);
        return;
    }
    if (stat(result->path, &status) != 0 || S_ISDIR(status.st_mode)) {
        judge(result, INSPECT_REFUSED, "%s is a folder; name a program in it", command);
        return;
    }
    if (access(result->path, X_OK) != 0) {
        judge(result, INSPECT_REFUSED,
              "%s is not executable; for a script, name its interpreter first: python %s", command,
              command);
        return;
    }
    char path[PATH_MAX], next[PATH_MAX];
    snprintf(path, sizeof path, "%s", result->path);
    for (int level = 0; level < SCRIPT_LEVELS && judge_file(path, result, next); level++)
        memcpy(path, next, sizeof path);
    memcpy(result->program, path, sizeof path);
}

/* A build without a GIL says so in the text of its version; a libpython, by its name, in which a
 * "d" for debugging may follow. */
static bool is_free_threaded(const char *path, const struct image *image) {
    static const char text[] = "free-threading build";
    const Elf64_Ehdr *header = part(image, 0, sizeof *header);
    if (!header || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
        header->e_ident[EI_CLASS] != ELFCLASS64)
        return false;
    const char *library = needed_library(image, header, "libpython3.");
    if (library)
        return strstr(library, "t.so") || strstr(library, "td.so");
    return strncmp(base_name(path), "python", 6) == 0 &&
           memmem(image->bytes, image->size, text, sizeof text - 1);
}

bool inspect_is_free_threaded(const struct inspected *inspected) {
    struct stat status;
    bool free_threaded = false;
    int fd = open(inspected->program, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd >= 0 && fstat(fd, &status) == 0 && status.st_size > 0) {
        void *bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        struct image image = {bytes, (size_t)status.st_size};
        if (bytes != MAP_FAILED) {
            free_threaded = is_free_threaded(inspected->program, &image);
            munmap(bytes, image.size);
        }
    }
    if (fd >= 0)
        close(fd);
    return free_threaded;
}
