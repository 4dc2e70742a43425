/* A run judged: its ceilings, what it held where, and what of that is more than a baseline has.
 *
 * Everything that is compared with a baseline goes by names that stay the same when lines move, and
 * from machine to machine: of a place the functions and files of its stack, of a holder the path to
 * it without lines and indices. Files of the project go by their way from its directory.
 */
#ifndef HOLDFAST_VIEWER_CHECK_CHECK_H
#define HOLDFAST_VIEWER_CHECK_CHECK_H

#include "ceilings.h"
#include "items.h"
#include "viewer/diff/stacks.h"
#include "viewer/holders.h"
#include "viewer/places.h"

#include <jansson.h>

struct check_request {
    const char *profile; /* file names; `page` may be NULL */
    const char *page;
    const char *root;  /* the project's directory, without a slash at its end; or "" */
    const char *below; /* its way from the repository's directory, with a slash at its end; or "" */
    bool at_root;      /* it is where the program was started: relative names begin there */
    const struct ceiling *ceilings;
    uint32_t ceiling_count;
    const char *job;
    const char *baseline_file; /* NULL: none */
    const json_t *before;      /* the job in the baseline; NULL: it is not there */
    uint64_t stopped_bytes;    /* where --kill stopped the program; 0: it did not */
};

enum check_verdict { CHECK_WITHIN, CHECK_BEYOND, CHECK_FAILED, CHECK_UNKNOWN };
extern const char *const check_verdict_names[]; /* "within", "beyond", "failed", "unknown" */

/* Of big blocks that lay untouched in a region, and need not be there at the tree's peak. */
struct drag_place {
    struct stack_frame frame;
    struct item item; /* its key NULL: it is not known */
};

struct check {
    const struct check_request *request;
    const struct profile *profile;
    struct model *model;
    struct places places;
    struct stacks stacks;
    struct findings **findings; /* by process, NULL where there are none */
    uint64_t dead_bytes, garbage_bytes;
    bool dead_known;
    bool holders_whole; /* they were seen near the peaks of all processes that matter */
    struct judgement *judgements;
    uint32_t judgement_count;
    struct drag_place *drag_places; /* by judgement */
    /* What grew most since the baseline comes first; without one, what is biggest. */
    struct items at_places; /* "job.py:main > job.py:load" */
    struct items holders;   /* "bytearray held by data in process() (job.py)" */
    const char *missing;    /* why nothing is within, as a clause; NULL: the profile has all */
    enum check_verdict verdict;
};

/* NULL when memory ran out. The profile and the request must outlive it. */
struct check *check_build(const struct profile *profile, const struct check_request *request);
void check_free(struct check *check);

/* Whether the program itself failed; not when --kill stopped it. */
bool check_program_failed(const struct check *check);

/* A file as it is called in the project, or else as reports call it. */
const char *check_file(const struct check *check, const char *path);
/* Of one that belongs to the project: as others call it, who begin at the repository's directory.
 * To be freed; NULL when memory ran out. */
char *check_repository_file(const struct check *check, const char *path);
/* Whether it belongs to the project, so that its name means something to others. */
bool check_is_in_project(const struct check *check, const char *path);

/* Of what is over: the bytes above the ceiling. */
uint64_t check_excess(const struct judgement *judgement);

/* The place to show for a judgement: of what it is about, the one that grew most since the
 * baseline, or the biggest. NULL when there is none. */
const struct item *check_place_of(const struct check *check, const struct judgement *judgement);

#endif
