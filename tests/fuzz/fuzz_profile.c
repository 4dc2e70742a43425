/* Feeds profile_read and, past its checksums, profile_decode with whatever comes.
 *
 * The first byte says what the rest is: a file, or unpacked sections. Whatever is accepted must
 * also go out again, and come back, since a read profile has been checked.
 */
#include "wire/profile_format.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct profile *read_bytes(const uint8_t *data, size_t size) {
    struct profile_error error;
    struct profile *profile = NULL;
    char path[64];
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (fd >= 0 && write(fd, data, size) == (ssize_t)size)
        profile = profile_read(path, &error);
    close(fd);
    return profile;
}

static void must_survive_a_round_trip(const struct profile *profile) {
    struct profile_error error;
    char *bytes = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&bytes, &size);
    if (!out || !profile_write(profile, NULL, out, &error) || fclose(out) != 0)
        abort();
    struct profile *again = read_bytes((const uint8_t *)bytes, size);
    if (!again || again->site_count != profile->site_count ||
        again->string_count != profile->string_count || again->node_count != profile->node_count ||
        again->snapshot_count != profile->snapshot_count ||
        again->block_count != profile->block_count || again->moment_count != profile->moment_count)
        abort();
    for (uint32_t i = 0; i < profile->snapshot_count; i++)
        if (again->graphs[i].size != profile->graphs[i].size ||
            (again->graphs[i].size && memcmp(again->graphs[i].bytes, profile->graphs[i].bytes,
                                             profile->graphs[i].size) != 0))
            abort();
    profile_free(again);
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct profile_error error;
    if (size == 0)
        return 0;
    struct profile *profile =
        data[0] & 1 ? read_bytes(data + 1, size - 1)
                    : profile_decode(data + 1, size - 1, PROFILE_SMALL_CONTENT, &error);
    if (profile)
        must_survive_a_round_trip(profile);
    profile_free(profile);
    return 0;
}
