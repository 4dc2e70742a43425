/* See smaps.h. */
#include "smaps.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "procfs.h"

bool smaps_open(struct smaps *smaps, const struct image *image) {
    int fd = procfs_open_image(image, "smaps", O_RDONLY);
    smaps->has_next = false;
    smaps->file = fd < 0 ? NULL : fdopen(fd, "r");
    if (!smaps->file) {
        int error = errno;
        if (fd >= 0)
            close(fd);
        errno = error;
        return false;
    }
    setvbuf(smaps->file, smaps->buffer, _IOFBF, sizeof smaps->buffer);
    return true;
}

void smaps_close(struct smaps *smaps) {
    fclose(smaps->file);
}

/* "7f2a4c000000-7f2a4c021000 rw-p 00000000 08:01 131  /usr/lib/libc.so.6" */
static bool is_head(const char *line, struct smaps_mapping *mapping) {
    *mapping = (struct smaps_mapping){0};
    return sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s %*s %*s %" SCNu64 " %63[^\n]", &mapping->start,
                  &mapping->end, mapping->access, &mapping->inode, mapping->name) >= 4;
}

/* "Rss:                 132 kB" */
static void read_size(const char *line, const char *name, uint64_t *bytes) {
    size_t length = strlen(name);
    if (strncmp(line, name, length) == 0)
        *bytes = strtoull(line + length, NULL, 10) << 10;
}

static void read_sizes(const char *line, struct smaps_mapping *mapping) {
    read_size(line, "Rss:", &mapping->resident);
    read_size(line, "Referenced:", &mapping->referenced);
    read_size(line, "Anonymous:", &mapping->anonymous);
}

/* A line's beginning; a file's path may be far longer. */
static bool read_line(FILE *file, char *line, int room) {
    if (!fgets(line, room, file))
        return false;
    if (!strchr(line, '\n'))
        for (int byte = getc(file); byte != '\n' && byte != EOF;)
            byte = getc(file);
    return true;
}

static bool is_size(const char *line) {
    return line[0] >= 'A' && line[0] <= 'Z';
}

bool smaps_read(struct smaps *smaps, struct smaps_mapping *mapping) {
    char line[256];
    bool found = smaps->has_next;
    if (found)
        *mapping = smaps->next;
    smaps->has_next = false;
    while (!smaps->has_next && read_line(smaps->file, line, sizeof line)) {
        bool head = !is_size(line) && is_head(line, &smaps->next);
        if (head && !found)
            *mapping = smaps->next;
        else if (found && !head)
            read_sizes(line, mapping);
        smaps->has_next = head && found;
        found |= head;
    }
    return found;
}
