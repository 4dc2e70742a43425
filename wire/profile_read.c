/* Opens a profile: header, trailer and the compressed frame, with an error for each way in which a
 * file can be wrong. What is inside is profile_decode's.
 */
#include "profile_format.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zstd.h>

/* The file that is being read. Messages begin with its name. */
struct source {
    FILE *in;
    const char *path;
    uint64_t size; /* of the file */
    uint64_t frame, events;
    struct profile_error *error;
};

static bool complain(struct source *source, const char *what) {
    return profile_fail(source->error, "%.300s %s", source->path, what);
}

static bool damaged(struct source *source, const char *how) {
    return profile_fail(source->error, "%.300s is damaged: %.120s", source->path, how);
}

static bool truncated(struct source *source) {
    return complain(source, "is cut short: its end is missing");
}

static uint32_t get_u32(const uint8_t *at) {
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static uint64_t get_u64(const uint8_t *at) {
    return get_u32(at) | (uint64_t)get_u32(at + 4) << 32;
}

static bool source_open(struct source *source) {
    struct stat status;
    source->in = fopen(source->path, "rbe");
    if (!source->in || fstat(fileno(source->in), &status) != 0)
        return profile_fail(source->error, "cannot open %.300s: %s", source->path, strerror(errno));
    if (!S_ISREG(status.st_mode))
        return complain(source, "is not a file that holds a profile");
    source->size = (uint64_t)status.st_size;
    return true;
}

static bool read_header(struct source *source) {
    uint8_t header[PROFILE_HEADER_SIZE] = {0};
    size_t size = fread(header, 1, sizeof header, source->in);
    size_t magic = size < PROFILE_MAGIC_SIZE ? size : PROFILE_MAGIC_SIZE;
    if (size == 0)
        return complain(source, ferror(source->in) ? "cannot be read" : "is empty");
    if (memcmp(header, PROFILE_MAGIC, magic) != 0)
        return complain(source, "is not a holdfast profile");
    if (size < sizeof header)
        return truncated(source);
    if (profile_crc32(header, 28) != get_u32(header + 28))
        return damaged(source, "its header does not match its checksum");
    unsigned major = header[8] | (unsigned)header[9] << 8;
    if (major > PROFILE_VERSION)
        return profile_fail(
            source->error, "%.300s was written by a newer holdfast: version %.*s or later reads it",
            source->path, (int)PROFILE_NEEDS_SIZE, (const char *)header + 12);
    if (major == 0)
        return damaged(source, "its version is unknown");
    if (major != PROFILE_VERSION)
        return profile_fail(source->error,
                            "%.300s was written by an older holdfast, whose profiles this one does "
                            "not read: record it again",
                            source->path);
    return true;
}

static bool read_trailer(struct source *source) {
    uint8_t trailer[PROFILE_TRAILER_SIZE];
    if (source->size < PROFILE_HEADER_SIZE + PROFILE_TRAILER_SIZE ||
        fseeko(source->in, -(off_t)PROFILE_TRAILER_SIZE, SEEK_END) != 0 ||
        fread(trailer, 1, sizeof trailer, source->in) != sizeof trailer ||
        memcmp(trailer + 24, PROFILE_END_MAGIC, PROFILE_MAGIC_SIZE) != 0)
        return truncated(source);
    if (profile_crc32(trailer, 20) != get_u32(trailer + 20))
        return damaged(source, "its trailer does not match its checksum");
    source->frame = get_u64(trailer);
    source->events = get_u64(trailer + 8);
    uint64_t inner = source->size - PROFILE_HEADER_SIZE - PROFILE_TRAILER_SIZE;
    if (source->frame > inner || source->events != inner - source->frame)
        return damaged(source, "parts of it are missing");
    return true;
}

/* Unpacked content, as far as it has come. */
struct content {
    uint8_t *data;
    size_t size, capacity;
};

static bool content_room(struct source *source, struct content *content) {
    uint64_t limit = profile_content_limit(source->size) + PROFILE_MAX_GRAPHS;
    if (content->size < content->capacity)
        return true;
    if (content->capacity >= limit)
        return profile_fail(
            source->error,
            "%.300s unpacks to more than %llu MiB, too much for a profile of its size",
            source->path, (unsigned long long)(limit >> 20));
    uint64_t capacity = content->capacity ? content->capacity * 2 : 256u << 10;
    capacity = capacity < limit ? capacity : limit;
    uint8_t *data = realloc(content->data, (size_t)capacity);
    if (!data)
        return complain(source, "does not fit into memory");
    content->data = data;
    content->capacity = (size_t)capacity;
    return true;
}

/* Unpacks what is in `in`. `*left` becomes 0 at the frame's end. */
static bool unpack_some(struct source *source, ZSTD_DCtx *zstd, ZSTD_inBuffer *in,
                        struct content *content, size_t *left) {
    bool full;
    do {
        if (!content_room(source, content))
            return false;
        ZSTD_outBuffer out = {content->data, content->capacity, content->size};
        *left = ZSTD_decompressStream(zstd, &out, in);
        if (ZSTD_isError(*left))
            return damaged(source, ZSTD_getErrorName(*left));
        content->size = out.pos;
        full = out.pos == out.size;
    } while (*left > 0 && (in->pos < in->size || full));
    return true;
}

static bool unpack_frame(struct source *source, ZSTD_DCtx *zstd, struct content *content) {
    uint8_t buffer[64 << 10];
    uint64_t rest = source->frame;
    size_t left = 1;
    while (rest > 0 && left > 0) {
        size_t size = rest < sizeof buffer ? (size_t)rest : sizeof buffer;
        if (fread(buffer, 1, size, source->in) != size)
            return complain(source, "cannot be read");
        ZSTD_inBuffer in = {buffer, size, 0};
        if (!unpack_some(source, zstd, &in, content, &left))
            return false;
        rest -= in.pos;
    }
    if (left > 0 || rest > 0)
        return damaged(source, "its compressed part has the wrong length");
    return true;
}

static bool read_content(struct source *source, struct content *content) {
    ZSTD_DCtx *zstd = ZSTD_createDCtx();
    if (!zstd || fseeko(source->in, PROFILE_HEADER_SIZE, SEEK_SET) != 0) {
        ZSTD_freeDCtx(zstd);
        return complain(source, "cannot be read");
    }
    bool good = unpack_frame(source, zstd, content);
    ZSTD_freeDCtx(zstd);
    return good;
}

static struct profile *read_profile(struct source *source) {
    struct content content = {0};
    struct profile_error inner;
    struct profile *profile = NULL;
    if (source_open(source) && read_header(source) && read_trailer(source) &&
        read_content(source, &content)) {
        profile =
            profile_decode(content.data, content.size, profile_content_limit(source->size), &inner);
        if (!profile)
            damaged(source, inner.text);
        else
            profile->has_events = source->events > 0;
    }
    free(content.data);
    return profile;
}

struct profile *profile_read(const char *path, struct profile_error *error) {
    struct source source = {.path = path, .error = error};
    struct profile *profile = read_profile(&source);
    if (source.in)
        fclose(source.in);
    return profile;
}
