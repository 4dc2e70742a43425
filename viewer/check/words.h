/* What all outputs of a check say in the same words. Names from the program are escaped. */
#ifndef HOLDFAST_VIEWER_CHECK_WORDS_H
#define HOLDFAST_VIEWER_CHECK_WORDS_H

#include "check.h"
#include "viewer/format.h"

#include <stdio.h>

/* "peak", "process worker.py", "load() at the peak" ... */
void check_put_subject(FILE *out, const struct ceiling *ceiling);
/* "peak 612 MiB, 100 MiB (19.5 %) above the ceiling of 512 MiB (--max-peak)" */
void check_put_judgement(FILE *out, const struct check *check, const struct judgement *judgement);
/* The same as a text, to be freed; NULL when memory ran out. */
char *check_message(const struct check *check, const struct judgement *judgement);
/* "the program itself exited with status 3" */
void check_put_failure(FILE *out, const struct check *check);

/* Whether the baseline knows of such items: it has no holders where none could be seen. */
bool check_item_is_compared(const struct check *check, const struct item *item);
/* "+400 MiB", or where nothing is compared "400 MiB". */
struct number check_item_size(const struct check *check, const struct item *item);
/* "new", "new holder", "from 5.00 MiB", or "" without a baseline. */
struct number check_item_before(const struct check *check, const struct item *item);
/* Whether an item is worth telling: at least a hundredth of the peak, and, with a baseline, of
 * growth. */
bool check_item_is_told(const struct check *check, const struct item *item);

/* "load() job.py:6, in main():21" */
void check_put_place(FILE *out, const struct check *check, const struct item *item);
/* "bytearray len 6000000, held by data in process() (job.py:16), never read again", or of several
 * "48 times: bytearray held by rows[#]" */
void check_put_holder(FILE *out, const struct item *item);
/* What is in the way of a comparison, as a sentence without an end; false when nothing is. */
bool check_put_caveat(FILE *out, const struct check *check);
/* Of a list that the item is in: "grown since the baseline memory.json", or "at the peak". */
void check_put_measure(FILE *out, const struct check *check, const struct item *item);

#endif
