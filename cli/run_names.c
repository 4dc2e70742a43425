/* See run_names.h. */
#include "run_names.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "library.h"

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

const char *run_name(const char *const *command) {
    const char *name = base_name(command[0]);
    if (strncmp(name, "python", 6) != 0)
        return name;
    for (int i = 1; command[i]; i++) {
        if (strcmp(command[i], "-m") == 0 && command[i + 1])
            return command[i + 1];
        if (strcmp(command[i], "-c") == 0)
            return name;
        if (strcmp(command[i], "-W") == 0 || strcmp(command[i], "-X") == 0)
            i++;
        else if (command[i][0] != '-')
            return base_name(command[i]);
    }
    return name;
}

void run_default_output(char *const *command, char *output, size_t size) {
    const char *name = run_name((const char *const *)command);
    size_t length = strlen(name);
    if (length > 3 && strcmp(name + length - 3, ".py") == 0)
        length -= 3;
    if (length > 100)
        length = 100;
    snprintf(output, size, "%.*s.%d.holdfast", (int)length, name, getpid());
}

bool run_name_library(char name[PATH_MAX]) {
    char library[PATH_MAX];
    bool found = library_find(library);
    if (!found)
        fputs("holdfast: libholdfast.so is not where it was installed; install Holdfast again\n",
              stderr);
    else if (!library_name(name, library))
        fprintf(stderr,
                "holdfast: %s has a space, colon or dollar in its path, which the loader cannot "
                "take, and no link to it can be made in /tmp: %s\n",
                library, strerror(errno));
    else
        return true;
    return false;
}
