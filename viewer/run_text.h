/* What the texts about a whole run share (text_turnover.c, text_drag.c). */
#ifndef HOLDFAST_VIEWER_RUN_TEXT_H
#define HOLDFAST_VIEWER_RUN_TEXT_H

#include "places.h"
#include "sources.h"
#include "turnover.h"

#define PLACES_SHOWN 20u

struct run_view {
    const struct profile *profile;
    const struct report_options *options;
    struct turnover turnover;
    struct model *model; /* for how files are called */
    struct places places;
    string_id *texts;
    struct sources sources;
    FILE *out;
};

/* "load() app.py:8, in main():17    return bytearray(size)" */
void run_put_place(const struct run_view *view, uint32_t node);

/* How long big blocks lay untouched, by place. False when memory ran out. */
bool run_put_drag(const struct run_view *view);

#endif
