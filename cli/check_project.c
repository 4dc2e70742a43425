/* The project that a check is run in: its directory, and [tool.holdfast] in its pyproject.toml. */
#include "check_options.h"
#include "toml.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_SIZE_MAX (4u << 20)
#define KEY_MAX 256u

struct project {
    struct check_options *options;
    const char *file; /* as messages call it */
    const char *directory;
};

static bool complain(const struct project *project, const struct toml_entry *entry,
                     const char *what) {
    fprintf(stderr, "holdfast: %s, line %u: %s\n", project->file, entry->line, what);
    return false;
}

static bool set_baseline(const struct project *project, const char *name) {
    char *path;
    if (project->options->baseline)
        return true;
    if (name[0] == '/')
        project->options->baseline = strdup(name);
    else if (asprintf(&path, "%s/%s", project->directory, name) >= 0)
        project->options->baseline = path;
    return project->options->baseline != NULL;
}

static bool set_tolerance(const struct project *project, const char *text) {
    struct tolerance tolerance;
    if (!tolerance_parse(text, &tolerance))
        return false;
    if (!project->options->has_tolerance)
        project->options->tolerance = tolerance;
    project->options->has_tolerance = true;
    return true;
}

static bool take_flag(const struct project *project, const struct toml_entry *entry, bool *flag) {
    bool yes = entry->kind == TOML_BARE && strcmp(entry->text, "true") == 0;
    if (!yes && strcmp(entry->text, "false") != 0)
        return complain(project, entry, "true or false is meant to be there");
    *flag |= yes;
    return true;
}

/* The whole tree, a process, growth, dead bytes: one key each. */
static bool take_simple(const struct project *project, const struct toml_entry *entry) {
    static const struct {
        const char *key;
        enum ceiling_kind kind;
    } keys[] = {{"max-peak", CEILING_TREE},
                {"max-process", CEILING_PROCESS},
                {"max-growth", CEILING_GROWTH},
                {"max-churn", CEILING_CHURN},
                {"max-dead", CEILING_DEAD}};
    const char *key = entry->path[2];
    if (strcmp(key, "kill") == 0)
        return take_flag(project, entry, &project->options->kill);
    if (entry->kind == TOML_ARRAY)
        return complain(project, entry, "a list is not expected here");
    if (strcmp(key, "baseline") == 0)
        return set_baseline(project, entry->text);
    if (strcmp(key, "tolerance") == 0)
        return set_tolerance(project, entry->text);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (strcmp(key, keys[i].key) == 0)
            return check_options_add(project->options, keys[i].kind, "", entry->text,
                                     project->file);
    return complain(project, entry, "[tool.holdfast] has no such key; docs/check.md lists them");
}

/* Dots that stand outside of quotes are part of a module's name. */
static bool take_subject(const struct project *project, const struct toml_entry *entry) {
    char subject[KEY_MAX] = "";
    for (unsigned i = 3; i < entry->depth; i++) {
        size_t used = strlen(subject);
        int length = snprintf(subject + used, sizeof subject - used, "%s%s", i > 3 ? "." : "",
                              entry->path[i]);
        if (length < 0 || (size_t)length >= sizeof subject - used)
            return complain(project, entry, "a name is too long");
    }
    return check_options_add_subject(project->options, subject, entry->text, project->file);
}

/* Other tables below ours belong to others, as a plugin's. */
static bool take_entry(void *context, const struct toml_entry *entry) {
    const struct project *project = context;
    if (entry->depth < 3 || strcmp(entry->path[0], "tool") != 0 ||
        strcmp(entry->path[1], "holdfast") != 0)
        return true;
    if (entry->depth == 3)
        return take_simple(project, entry);
    return strcmp(entry->path[2], "max") != 0 || take_subject(project, entry);
}

/* To be freed; NULL with errno set. */
static char *read_file(const char *path) {
    FILE *file = fopen(path, "re");
    if (!file)
        return NULL;
    char *text = malloc(FILE_SIZE_MAX + 1);
    size_t size = text ? fread(text, 1, FILE_SIZE_MAX, file) : 0;
    bool large = size == FILE_SIZE_MAX && fgetc(file) != EOF;
    if (text && (ferror(file) || large)) {
        free(text);
        text = NULL;
        errno = large ? EFBIG : errno;
    } else if (text) {
        text[size] = 0;
    }
    fclose(file);
    return text;
}

static bool read_project(struct check_options *options, const char *path, const char *shown) {
    char *text = read_file(path);
    if (!text) {
        fprintf(stderr, "holdfast: cannot read %s: %s\n", shown, strerror(errno));
        return false;
    }
    const struct project project = {options, shown, options->root};
    struct toml_error error;
    bool good = toml_read(text, take_entry, (void *)&project, &error);
    if (!good && error.line > 0)
        fprintf(stderr, "holdfast: %s, line %u: %s\n", shown, error.line, error.text);
    free(text);
    return good;
}

static bool is_there(const char *directory, const char *name) {
    char path[PATH_MAX + 32];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return access(path, F_OK) == 0;
}

/* The nearest directory with one of the marks of a project; the present one when there is none. */
static bool find_root(struct check_options *options) {
    char directory[PATH_MAX], *root = options->root;
    if (!getcwd(directory, sizeof directory)) {
        fprintf(stderr, "holdfast: the present directory is not known: %s\n", strerror(errno));
        return false;
    }
    memcpy(root, directory, PATH_MAX);
    options->at_root = true;
    while (!is_there(directory, "pyproject.toml") && !is_there(directory, ".git")) {
        char *slash = strrchr(directory, '/');
        if (!slash || slash == directory)
            return true;
        *slash = 0;
    }
    options->at_root = strcmp(root, directory) == 0;
    memcpy(root, directory, PATH_MAX);
    return true;
}

/* "below/" when the project is in a directory of `top`, "" when it is `top`; false: it is neither.
 */
static bool set_below(struct check_options *options, const char *top) {
    size_t length = strlen(top);
    while (length > 1 && top[length - 1] == '/')
        length--;
    if (length < 2 || strncmp(options->root, top, length) != 0)
        return false;
    const char *rest = options->root + length;
    if (*rest && *rest != '/')
        return false;
    snprintf(options->below, sizeof options->below, "%s%s", *rest ? rest + 1 : "",
             *rest ? "/" : "");
    return true;
}

/* Others name files from the repository's directory: the one that CI says, or that has .git. */
static void find_repository(struct check_options *options) {
    char directory[PATH_MAX], real[PATH_MAX];
    const char *workspace = getenv("GITHUB_WORKSPACE");
    if (workspace && realpath(workspace, real) && set_below(options, real))
        return;
    memcpy(directory, options->root, PATH_MAX);
    while (!is_there(directory, ".git")) {
        char *slash = strrchr(directory, '/');
        if (!slash || slash == directory)
            return;
        *slash = 0;
    }
    set_below(options, directory);
}

bool check_options_read_project(struct check_options *options, const char *file) {
    if (!find_root(options))
        return false;
    find_repository(options);
    if (file)
        return read_project(options, file, file);
    if (!is_there(options->root, "pyproject.toml"))
        return true;
    char path[PATH_MAX + 32];
    snprintf(path, sizeof path, "%s/pyproject.toml", options->root);
    return read_project(options, path, "pyproject.toml");
}
