/* See libraries.h. */
#include "libraries.h"

#include "intern.h"
#include "places.h"

#include <stdlib.h>
#include <string.h>

static const char *file_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool begins_with(const char *name, const char *const *beginnings, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (strncmp(name, beginnings[i], strlen(beginnings[i])) == 0)
            return true;
    return false;
}

/* python3.12, libpython3.so: what has another word after that is somebody else's. */
bool module_is_interpreter(const char *path) {
    const char *name = file_name(path);
    name += strncmp(name, "lib", 3) == 0 ? 3 : 0;
    if (strncmp(name, "python", 6) != 0)
        return false;
    return name[6] == '\0' || name[6] == '.' || (name[6] >= '0' && name[6] <= '9');
}

bool module_is_libc(const char *path) {
    static const char *const beginnings[] = {"libc.so", "libc-", "libpthread", "ld-linux"};
    return begins_with(file_name(path), beginnings, 4);
}

/* Takes memory on behalf of others. */
static bool is_for_others(const char *path) {
    static const char *const beginnings[] = {"libstdc++", "libgcc_s", "libc++"};
    return module_is_libc(path) || begins_with(file_name(path), beginnings, 3);
}

/* There are few: they are looked for one by one. */
struct names {
    char (*list)[LIBRARY_NAME_SIZE];
    uint32_t count, capacity;
};

#define NAMES_FAILED UINT32_MAX

static uint32_t names_add(struct names *names, const char *text, size_t length) {
    if (length >= LIBRARY_NAME_SIZE)
        for (length = LIBRARY_NAME_SIZE - 1; length > 0 && (text[length] & 0xc0) == 0x80;)
            length--; /* not inside of a character */
    for (uint32_t i = 0; i < names->count; i++)
        if (strlen(names->list[i]) == length && memcmp(names->list[i], text, length) == 0)
            return i;
    if (names->count == names->capacity) {
        uint32_t capacity = names->capacity ? names->capacity * 2 : 16;
        void *grown = realloc(names->list, capacity * sizeof *names->list);
        if (!grown)
            return NAMES_FAILED;
        names->list = grown;
        names->capacity = capacity;
    }
    memcpy(names->list[names->count], text, length);
    names->list[names->count][length] = '\0';
    return names->count++;
}

/* Number in `names` of the library that a module belongs to. */
static uint32_t library_of(struct names *names, const char *path) {
    size_t length;
    if (!*path || module_is_interpreter(path))
        return names_add(names, "python", strlen("python"));
    const char *name = module_name(path, &length);
    return names_add(names, name, length);
}

/* Of each node the library, for a site there. Where all is for others, they are meant; where there
 * is nothing, Python. NULL when memory ran out. */
static uint32_t *find_by_node(const struct profile *profile, struct names *names) {
    uint32_t *found = calloc(profile->node_count, sizeof *found);
    bool good = found != NULL;
    uint32_t python = good ? library_of(names, "") : 0;
    for (uint32_t i = 1; good && i < profile->node_count; i++) {
        const struct profile_node *node = &profile->nodes[i];
        const char *path = profile->strings[profile->functions[node->function].module];
        if (node->function == 0 || !*path)
            found[i] = python;
        else if (is_for_others(path) && profile->nodes[node->parent].function != 0)
            found[i] = found[node->parent];
        else
            found[i] = library_of(names, path);
        good = found[i] != NAMES_FAILED;
    }
    if (good && python != NAMES_FAILED)
        return found;
    free(found);
    return NULL;
}

struct sums {
    struct intern rows; /* words: process, library */
    uint64_t *bytes;
    uint32_t capacity;
};

static bool add(struct sums *sums, uint32_t process, uint32_t library, uint64_t bytes) {
    const struct intern_key key = {{process, library}};
    uint32_t number = bytes ? intern_add(&sums->rows, &key) : 0;
    if (number == INTERN_FAILED)
        return false;
    if (bytes && number >= sums->capacity) {
        uint32_t capacity = sums->capacity ? sums->capacity * 2 : 64;
        uint64_t *grown = realloc(sums->bytes, capacity * sizeof *grown);
        if (!grown)
            return false;
        memset(grown + sums->capacity, 0, (capacity - sums->capacity) * sizeof *grown);
        sums->bytes = grown;
        sums->capacity = capacity;
    }
    if (bytes)
        sums->bytes[number] += bytes;
    return true;
}

static int compare_rows(const void *left, const void *right) {
    const struct profile_library *a = left, *b = right;
    if (a->process != b->process)
        return a->process < b->process ? -1 : 1;
    if (a->bytes != b->bytes)
        return a->bytes > b->bytes ? -1 : 1;
    return strcmp(a->name, b->name);
}

static bool put_rows(struct profile *profile, const struct sums *sums, const struct names *names) {
    uint32_t count = sums->rows.count;
    struct profile_library *rows = calloc((size_t)count + 1, sizeof *rows);
    for (uint32_t i = 0; rows && i < count; i++) {
        const uint32_t *words = sums->rows.keys[i].words;
        rows[i] = (struct profile_library){.process = words[0], .bytes = sums->bytes[i]};
        memcpy(rows[i].name, names->list[words[1]], sizeof rows[i].name);
    }
    if (!rows)
        return false;
    qsort(rows, count, sizeof *rows, compare_rows);
    profile->libraries = rows;
    profile->library_count = count;
    return true;
}

bool libraries_find(struct profile *profile) {
    struct names names = {0};
    struct sums sums = {0};
    uint32_t *by_node = find_by_node(profile, &names);
    bool good = by_node != NULL;
    for (uint32_t i = 0; good && i < profile->site_count; i++) {
        const struct profile_site *site = &profile->sites[i];
        uint32_t library = by_node[site->node];
        good = add(&sums, site->process, library, site->peak_bytes) &&
               add(&sums, PROFILE_TREE, library, site->tree_bytes);
    }
    good = good && put_rows(profile, &sums, &names);
    free(by_node);
    free(sums.bytes);
    intern_release(&sums.rows);
    free(names.list);
    return good;
}

const struct profile_library *libraries_of(const struct profile *profile, uint32_t process,
                                           uint32_t *count) {
    uint32_t first = 0, end;
    while (first < profile->library_count && profile->libraries[first].process != process)
        first++;
    for (end = first; end < profile->library_count; end++)
        if (profile->libraries[end].process != process)
            break;
    *count = end - first;
    return *count ? profile->libraries + first : NULL;
}
