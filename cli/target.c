/* See target.h. */
#include "target.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static bool complain(const struct target *target, int problem) {
    fprintf(stderr, "holdfast: cannot write %s: %s\n", target->name ? target->name : "the report",
            strerror(problem));
    return false;
}

static bool open_file(struct target *target, const char *name, const char *mode) {
    bool to_stdout = !name || strcmp(name, "-") == 0;
    *target = (struct target){.name = to_stdout ? NULL : name};
    target->file = to_stdout ? stdout : fopen(name, mode);
    return target->file || complain(target, errno);
}

bool target_open(struct target *target, const char *name) {
    return open_file(target, name, "we");
}

bool target_append(struct target *target, const char *name) {
    return open_file(target, name, "ae");
}

bool target_close(struct target *target, bool good) {
    int problem = errno;
    if ((target->name ? fclose(target->file) : fflush(target->file)) != 0) {
        problem = errno;
        good = false;
    }
    return good || complain(target, problem);
}

bool target_is_input(const char *name, const char *input) {
    struct stat one, other;
    return name && stat(name, &one) == 0 && stat(input, &other) == 0 &&
           one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}
