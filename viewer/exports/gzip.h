/* Bytes, compressed as gzip does on their way to a stream. */
#ifndef HOLDFAST_VIEWER_EXPORTS_GZIP_H
#define HOLDFAST_VIEWER_EXPORTS_GZIP_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <zlib.h>

struct gzip {
    z_stream stream;
    FILE *out;
    bool failed;
    uint8_t room[64 << 10];
};

/* False when memory ran out. */
bool gzip_open(struct gzip *gzip, FILE *out);
void gzip_put(struct gzip *gzip, const void *bytes, size_t size);
/* False when something could not be written. */
bool gzip_close(struct gzip *gzip);

#endif
