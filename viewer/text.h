/* The parts of the text report share a state: where it goes, how wide it is, and how many lines are
 * left of the screen that it must fit.
 */
#ifndef HOLDFAST_VIEWER_TEXT_H
#define HOLDFAST_VIEWER_TEXT_H

#include "holders.h"
#include "model.h"
#include "places.h"
#include "report.h"

#define SMALL_PERCENT 1u /* what is smaller is not worth a line */

struct text {
    const struct report_options *options;
    const struct model *model;
    struct findings *findings; /* NULL: nothing is known of who held what */
    struct places places;
    FILE *out;
    unsigned width;
    unsigned left;           /* lines that may still be used */
    unsigned processes;      /* that are listed, at most */
    unsigned holders;        /* that are listed, at most */
    unsigned stack_lines;    /* of one site, at most */
    unsigned reserved_lines; /* for places, before holders get theirs */
    bool airy; /* the whole report, with empty lines between its parts; not the short summary */
};

/* Lines put aside: a part that is written before it is known whether there is room for it. */
struct part {
    char *text;
    size_t size;
    unsigned lines;
    FILE *out; /* private: the report's */
    unsigned left;
};

void text_line_end(struct text *text);
void text_gap(struct text *text);

/* What is written between the two goes to the part, and takes no lines from the report. False when
 * memory ran out. */
bool text_part_begin(struct text *text, struct part *part);
bool text_part_end(struct text *text, struct part *part);
/* Writes the part, takes its lines, and frees it. */
void text_put_part(struct text *text, struct part *part);
void text_drop_part(struct part *part);

/* Writes `line`, which is harmless already, from column `column` on, wrapped between words to the
 * report's width, and ends the line; further lines begin in column `indent`. */
void text_wrap(struct text *text, size_t column, size_t indent, const char *line);

void text_put_command(FILE *out, const struct profile *profile, const string_id *words,
                      uint32_t count, size_t width);

/* The end of a long file name says more than its beginning. */
const char *text_short_file(const char *file, size_t width);

/* "()" behind the name of a function; "" behind made-up ones, "<module>". */
const char *text_call_mark(const char *function);

/* "5 numpy.ndarray (1000,) uint8" */
void text_put_object(FILE *out, const struct holder *holder);
/* "held by local `data` in process_data(), article.py:8"; of `text` only the places are used. */
void text_put_root(const struct text *text, FILE *out, const struct holder *holder);

/* "load(), job.py:12": the place that stands for a stack. */
void text_put_node(const struct text *text, FILE *out, uint32_t node);

/* The report's parts. False when memory ran out. */
bool text_put_processes(struct text *text);

/* The regions that the program marked. False when memory ran out. */
bool text_put_regions(struct text *text);
/* References that are lost. False when memory ran out. */
bool text_put_leaks(struct text *text);

/* Buffers with the same content. */
bool text_put_copies(struct text *text);
bool text_put_held(struct text *text, unsigned reserve);
bool text_put_places(struct text *text, unsigned reserve); /* `reserve` lines stay free */
void text_put_notes(struct text *text);

#endif
