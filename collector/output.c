/* See output.h. */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PART_NAME_MAX (NAME_MAX + 32)

static void part_name(const struct output *output, char *part) {
    snprintf(part, PART_NAME_MAX, ".%.200s.%d.part", output->name, getpid());
}

static int create_part(const struct output *output, char *part) {
    part_name(output, part);
    unlinkat(output->folder, part, 0);
    return openat(output->folder, part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
}

static bool refuse(struct profile_error *error, const char *path, const char *reason) {
    snprintf(error->text, sizeof error->text, "cannot write %.300s: %s; name another file with -o",
             path, reason);
    return false;
}

/* Splits into folder and name; a name that is a symbolic link stands for what it points to. */
static bool resolve(struct output *output, const char *path) {
    char real[PATH_MAX], copy[PATH_MAX];
    if (strlen(path) >= sizeof copy)
        return errno = ENAMETOOLONG, false;
    snprintf(copy, sizeof copy, "%s", realpath(path, real) ? real : path);
    char *slash = strrchr(copy, '/');
    const char *name = slash ? slash + 1 : copy;
    if (strlen(name) > NAME_MAX)
        return errno = ENAMETOOLONG, false;
    if (name[0] == '\0')
        return errno = EISDIR, false;
    snprintf(output->name, sizeof output->name, "%.*s", NAME_MAX, name);
    if (slash)
        slash[slash == copy] = '\0';
    if (!realpath(slash ? copy : ".", real))
        return false;
    int length = snprintf(output->path, sizeof output->path, "%s/%s", strcmp(real, "/") ? real : "",
                          output->name);
    if (length >= (int)sizeof output->path)
        return errno = ENAMETOOLONG, false;
    output->folder = open(real, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return output->folder >= 0;
}

bool output_open(struct output *output, const char *path, struct profile_error *error) {
    char part[PART_NAME_MAX];
    struct stat status;
    if (stat(path, &status) == 0 && !S_ISREG(status.st_mode))
        return refuse(error, path,
                      S_ISDIR(status.st_mode) ? "it is a folder" : "it is not a regular file");
    if (!resolve(output, path))
        return refuse(error, path, strerror(errno));
    int fd = create_part(output, part);
    if (fd < 0)
        return refuse(error, path, strerror(errno));
    close(fd);
    unlinkat(output->folder, part, 0);
    return true;
}

int output_scratch(const struct output *output) {
    char name[PART_NAME_MAX];
    snprintf(name, sizeof name, ".%.200s.%d.events", output->name, getpid());
    unlinkat(output->folder, name, 0);
    int fd = openat(output->folder, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0)
        unlinkat(output->folder, name, 0);
    return fd;
}

static bool write_part(const struct output *output, const struct profile *profile, FILE *events,
                       const char *part, int fd, struct profile_error *error) {
    FILE *file = fdopen(fd, "wb");
    if (!file) {
        close(fd);
        snprintf(error->text, sizeof error->text, "%s", strerror(errno));
        return false;
    }
    if (events)
        rewind(events);
    bool written = profile_write(profile, events, file, error);
    if (fclose(file) != 0 && written) {
        snprintf(error->text, sizeof error->text, "%s", strerror(errno));
        written = false;
    }
    if (written && renameat(output->folder, part, output->folder, output->name) != 0) {
        snprintf(error->text, sizeof error->text, "%s", strerror(errno));
        written = false;
    }
    return written;
}

static bool write_here(const struct output *output, const struct profile *profile, FILE *events,
                       struct profile_error *error) {
    char part[PART_NAME_MAX];
    int fd = create_part(output, part);
    if (fd < 0) {
        snprintf(error->text, sizeof error->text, "%s", strerror(errno));
        return false;
    }
    bool written = write_part(output, profile, events, part, fd, error);
    if (!written)
        unlinkat(output->folder, part, 0);
    return written;
}

bool output_write(struct output *output, const struct profile *profile, FILE *events,
                  bool *events_left_out, struct profile_error *error) {
    error->text[0] = '\0';
    *events_left_out = false;
    if (write_here(output, profile, events, error))
        return true;
    *events_left_out = events != NULL;
    if (events && write_here(output, profile, NULL, error)) {
        error->text[0] = '\0';
        return true;
    }
    struct output other = {.folder = -1};
    struct profile_error ignored;
    const char *temporary = getenv("TMPDIR");
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%.2000s/%s", temporary && *temporary ? temporary : "/tmp",
             output->name);
    bool written =
        output_open(&other, path, &ignored) && write_here(&other, profile, NULL, &ignored);
    if (written)
        memcpy(output->path, other.path, sizeof output->path);
    if (other.folder >= 0)
        close(other.folder);
    return written;
}
