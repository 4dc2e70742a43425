/* The page's data as it is written: JSON that is safe between <script> and </script>, and the
 * strings and frames that its parts have in common.
 *
 * Texts are escaped twice: what could change how the text around it is shown (control characters,
 * marks of writing direction) becomes visible, as in the text report; and of JSON's own characters
 * none is left that HTML or JavaScript would take for an end.
 */
#ifndef HOLDFAST_VIEWER_PAGE_OUT_H
#define HOLDFAST_VIEWER_PAGE_OUT_H

#include "intern.h"
#include "model.h"
#include "report.h"
#include "views.h"

struct region_told;

/* What is looked for once, however often the page is written: each may take as long as reading the
 * heap graph does. */
struct page_found {
    struct findings **leaks;     /* by process: what leaks_open() gave; NULL: not asked yet */
    struct region_told *regions; /* by region; NULL: not asked yet */
};

struct page_out {
    FILE *out;
    struct page_found *found;
    bool follows; /* a value was written last, so that the next one needs a comma */
    const struct profile *profile;
    const struct report_options *options;
    string_id *texts;       /* see intern_texts */
    uint32_t *string_of;    /* by text: its number on the page + 1, 0 not there yet */
    string_id *strings;     /* by number on the page */
    uint32_t string_count;  /* number 0 is "" */
    enum content *contents; /* by node of the profile */
    struct intern frames;   /* words: kind, function, file, line, content and module
                               (page_out.c); texts as numbers on the page */
    uint32_t share;         /* of PAGE_WHOLE: so much of what would be there is */
    bool failed;            /* memory ran out */
};

#define PAGE_WHOLE 1024u

/* A bound on how many of something there are. */
static inline uint32_t page_limit(const struct page_out *page, uint32_t most) {
    uint64_t limit = (uint64_t)most * page->share / PAGE_WHOLE;
    return limit > 0 ? (uint32_t)limit : 1;
}

/* One of many, of which only the biggest are told. */
struct page_pick {
    uint64_t measure;
    uint32_t number;
};

/* Leaves the biggest ones in front, at most so many, in the order of their numbers; how many. */
uint32_t page_pick(struct page_pick *list, uint32_t count, uint32_t most);

/* As web/src/document.ts numbers them. */
enum page_frame_kind {
    PAGE_USER,
    PAGE_LIBRARY,
    PAGE_IMPORT, /* Python's own way from `import` to a module's code */
    PAGE_THREAD,
    PAGE_NO_STACK,
};

enum page_frame_kind page_frame_kind(const struct model_frame *frame);

/* False when memory ran out; to be released in any case. */
bool page_out_open(struct page_out *page, const struct profile *profile,
                   const struct report_options *options, FILE *out);
void page_out_release(struct page_out *page);

void page_begin(struct page_out *page, char bracket);
void page_end(struct page_out *page, char bracket);
void page_key(struct page_out *page, const char *key);
void page_number(struct page_out *page, uint64_t number);
void page_signed(struct page_out *page, int64_t number);
void page_seconds(struct page_out *page, uint64_t ns);
void page_flag(struct page_out *page, bool flag);
void page_null(struct page_out *page);
void page_text(struct page_out *page, const char *text);

/* A key and its value. */
void page_put_number(struct page_out *page, const char *key, uint64_t number);
void page_put_seconds(struct page_out *page, const char *key, uint64_t ns);
void page_put_flag(struct page_out *page, const char *key, bool flag);
void page_put_text(struct page_out *page, const char *key, const char *text);

/* The number of one of the profile's strings. */
uint32_t page_string(struct page_out *page, string_id string);
/* The number of a stack node's frame. */
uint32_t page_frame(struct page_out *page, uint32_t node);
/* Stack that ends in a node, as a list of frames, the outermost first; long ones lose what is
 * outermost. Native frames are counted apart. */
void page_stack(struct page_out *page, uint32_t node);
/* Its innermost frames alone, enough to say what it is about. */
#define PAGE_STACK_END 40u
void page_stack_end(struct page_out *page, uint32_t node, uint32_t most);

/* The strings and frames that have been mentioned, as "strings", "frames" and "files"; and the
 * source lines of their files. What is written afterwards must not mention others. */
void page_put_shared(struct page_out *page);

#endif
