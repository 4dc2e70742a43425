/* See gzip.h. */
#include "gzip.h"

#include <string.h>

#define GZIP_FORMAT (15 + 16) /* the largest window, with gzip's header in place of zlib's */

bool gzip_open(struct gzip *gzip, FILE *out) {
    memset(&gzip->stream, 0, sizeof gzip->stream);
    gzip->out = out;
    gzip->failed = deflateInit2(&gzip->stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_FORMAT, 8,
                                Z_DEFAULT_STRATEGY) != Z_OK;
    return !gzip->failed;
}

/* Compresses what is in the input, and writes what comes of it. */
static void compress_input(struct gzip *gzip, int flush) {
    z_stream *stream = &gzip->stream;
    do {
        stream->next_out = gzip->room;
        stream->avail_out = sizeof gzip->room;
        if (deflate(stream, flush) == Z_STREAM_ERROR)
            gzip->failed = true;
        size_t size = sizeof gzip->room - stream->avail_out;
        if (fwrite(gzip->room, 1, size, gzip->out) != size)
            gzip->failed = true;
    } while (stream->avail_out == 0 && !gzip->failed);
}

void gzip_put(struct gzip *gzip, const void *bytes, size_t size) {
    if (gzip->failed)
        return;
    gzip->stream.next_in = (z_const Bytef *)(uintptr_t)bytes;
    gzip->stream.avail_in = (uInt)size;
    compress_input(gzip, Z_NO_FLUSH);
}

bool gzip_close(struct gzip *gzip) {
    if (!gzip->failed)
        compress_input(gzip, Z_FINISH);
    deflateEnd(&gzip->stream);
    return !gzip->failed;
}
