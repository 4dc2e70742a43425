/* See files.h. */
#include "files.h"

#include "pairs.h"
#include "viewer/holders/names.h"

#include <stdlib.h>
#include <string.h>

bool files_add(struct files *files, const char *path, const char *name, bool library) {
    uint32_t before = files->paths.count, number = words_add(&files->paths, path);
    if (number == WORDS_FAILED || number < before)
        return number != WORDS_FAILED;
    if (number >= files->capacity) {
        uint32_t capacity = files->capacity ? files->capacity * 2 : 64;
        struct file *list = realloc(files->list, capacity * sizeof *list);
        if (!list)
            return false;
        files->list = list;
        files->capacity = capacity;
    }
    files->list[number] = (struct file){.path = path, .name = name, .library = library};
    return true;
}

void files_release(struct files *files) {
    words_release(&files->paths);
    free(files->list);
    *files = (struct files){0};
}

uint32_t files_id(const struct files *files, const char *path) {
    uint32_t number = words_find(&files->paths, path);
    return number == WORDS_FAILED ? FILE_UNKNOWN : files->list[number].id;
}

/* How many parts of two paths that differ are equal, counted from their ends. */
static uint32_t common_parts(const char *one, const char *other) {
    size_t left = strlen(one), right = strlen(other);
    uint32_t parts = 0;
    while (left > 0 && right > 0 && one[left - 1] == other[right - 1]) {
        left--;
        right--;
        parts += one[left] == '/';
    }
    bool whole = (left == 0 || one[left - 1] == '/') && (right == 0 || other[right - 1] == '/');
    return parts + whole;
}

static uint32_t part_count(const char *path) {
    uint32_t parts = 1;
    for (; *path; path++)
        parts += *path == '/';
    return parts;
}

/* Of two files of the user's that have the same base name, one name must be the end of the other,
 * or their directories must be called the same, too. */
static bool may_be_same(const struct file *before, const struct file *after) {
    if (strcmp(before->path, after->path) == 0 || strcmp(before->name, after->name) == 0)
        return true;
    uint32_t common = common_parts(before->name, after->name);
    return common == part_count(before->name) || common == part_count(after->name) ||
           common_parts(before->path, after->path) >= 2;
}

static uint64_t file_distance(const void *context, uint32_t before, uint32_t after) {
    const struct files *const *sides = context;
    const struct file *one = &sides[BEFORE]->list[before], *other = &sides[AFTER]->list[after];
    return 1000000u - common_parts(one->path, other->path);
}

enum { BY_PATH, BY_NAME, BY_BASE, WAYS };

static uint64_t file_key(const struct file *file, int way) {
    if (way == BY_BASE)
        return file->library ? 0 : words_hash(names_base(file->name)) | 1;
    return words_hash(way == BY_PATH ? file->path : file->name) | 1;
}

static bool pair_files(struct pairs *pairs, const struct files *const sides[2], int way) {
    uint64_t *keys[2] = {calloc((size_t)sides[BEFORE]->paths.count + 1, sizeof(uint64_t)),
                         calloc((size_t)sides[AFTER]->paths.count + 1, sizeof(uint64_t))};
    bool good = keys[BEFORE] && keys[AFTER];
    for (int side = BEFORE; good && side <= AFTER; side++)
        for (uint32_t i = 0; i < sides[side]->paths.count; i++)
            keys[side][i] = file_key(&sides[side]->list[i], way);
    const struct pair_rule rule = {.keys = {keys[BEFORE], keys[AFTER]},
                                   .distance = way == BY_PATH ? NULL : file_distance,
                                   .context = sides};
    good = good && pairs_apply(pairs, &rule);
    free(keys[BEFORE]);
    free(keys[AFTER]);
    return good;
}

/* Takes apart what has the same base name and nothing else in common. */
static void part_strangers(struct pairs *pairs, const struct files *const sides[2]) {
    for (uint32_t i = 0; i < pairs->count[BEFORE]; i++) {
        uint32_t *partner = &pairs->partners[BEFORE][i];
        if (*partner == PAIR_NONE ||
            may_be_same(&sides[BEFORE]->list[i], &sides[AFTER]->list[*partner]))
            continue;
        pairs->partners[AFTER][*partner] = PAIR_NONE;
        *partner = PAIR_NONE;
    }
}

bool files_match(struct files *before, struct files *after) {
    const struct files *const sides[2] = {before, after};
    struct pairs pairs;
    bool good = pairs_open(&pairs, before->paths.count, after->paths.count);
    for (int way = BY_PATH; good && way < WAYS; way++)
        good = pair_files(&pairs, sides, way);
    if (good) {
        part_strangers(&pairs, sides);
        for (uint32_t i = 0; i < before->paths.count; i++)
            before->list[i].id = i;
        for (uint32_t i = 0; i < after->paths.count; i++) {
            uint32_t partner = pairs.partners[AFTER][i];
            after->list[i].id = partner != PAIR_NONE ? partner : before->paths.count + i;
        }
    }
    pairs_release(&pairs);
    return good;
}
