/* See page_out.h. */
#include "page_out.h"

#include "format.h"
#include "held.h"
#include "page_shell.h"
#include "places.h"
#include "sources.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LINES_MAX 50000u /* of source, on a page that has less of everything */
#define TEXT_MAX 2000u
#define TEXT_LEAST 120u
#define STACK_MAX 400u
#define STACK_LEAST 8u
#define STACK_ALL 1200u /* native frames among them */

bool page_out_open(struct page_out *page, const struct profile *profile,
                   const struct report_options *options, FILE *out) {
    *page =
        (struct page_out){.out = out, .profile = profile, .options = options, .share = PAGE_WHOLE};
    page->texts = intern_texts(profile);
    page->string_of = calloc((size_t)profile->string_count + 1, sizeof *page->string_of);
    page->strings = malloc(((size_t)profile->string_count + 1) * sizeof *page->strings);
    page->contents = view_contents(profile);
    if (!page->texts || !page->string_of || !page->strings || !page->contents)
        return false;
    page_string(page, 0);
    return true;
}

void page_out_release(struct page_out *page) {
    free(page->texts);
    free(page->string_of);
    free(page->strings);
    free(page->contents);
    intern_release(&page->frames);
}

static int compare_measures(const void *left, const void *right) {
    const struct page_pick *a = left, *b = right;
    if (a->measure != b->measure)
        return a->measure > b->measure ? -1 : 1;
    return (a->number > b->number) - (a->number < b->number);
}

static int compare_numbers(const void *left, const void *right) {
    const struct page_pick *a = left, *b = right;
    return (a->number > b->number) - (a->number < b->number);
}

uint32_t page_pick(struct page_pick *list, uint32_t count, uint32_t most) {
    if (count <= most)
        return count;
    qsort(list, count, sizeof *list, compare_measures);
    qsort(list, most, sizeof *list, compare_numbers);
    return most;
}

/* -- JSON -- */

static void put_comma(struct page_out *page) {
    if (page->follows)
        fputc(',', page->out);
    page->follows = true;
}

void page_begin(struct page_out *page, char bracket) {
    put_comma(page);
    fputc(bracket, page->out);
    page->follows = false;
}

void page_end(struct page_out *page, char bracket) {
    fputc(bracket, page->out);
    page->follows = true;
}

void page_key(struct page_out *page, const char *key) {
    put_comma(page);
    fprintf(page->out, "\"%s\":", key);
    page->follows = false;
}

void page_number(struct page_out *page, uint64_t number) {
    put_comma(page);
    fprintf(page->out, "%" PRIu64, number);
}

void page_signed(struct page_out *page, int64_t number) {
    put_comma(page);
    fprintf(page->out, "%" PRId64, number);
}

void page_seconds(struct page_out *page, uint64_t ns) {
    put_comma(page);
    fprintf(page->out, "%.9g", (double)ns / 1e9);
}

void page_flag(struct page_out *page, bool flag) {
    put_comma(page);
    fputs(flag ? "true" : "false", page->out);
}

void page_null(struct page_out *page) {
    put_comma(page);
    fputs("null", page->out);
}

/* format_escaped has left no control characters, and no line separators. */
static void put_character(FILE *out, char character) {
    if (character == '"' || character == '\\')
        fprintf(out, "\\%c", character);
    else
        page_put_character(out, character);
}

/* A bound below which nothing could be told any more. */
static uint32_t limit_from(const struct page_out *page, uint32_t most, uint32_t least) {
    uint32_t limit = page_limit(page, most);
    return limit > least ? limit : least;
}

void page_text(struct page_out *page, const char *text) {
    char *clean = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&clean, &size);
    put_comma(page);
    if (out)
        format_escaped(out, text, "", limit_from(page, TEXT_MAX, TEXT_LEAST));
    page->failed |= !out || fclose(out) != 0;
    fputc('"', page->out);
    for (const char *at = clean; at && *at; at++)
        put_character(page->out, *at);
    fputc('"', page->out);
    free(clean);
}

void page_put_number(struct page_out *page, const char *key, uint64_t number) {
    page_key(page, key);
    page_number(page, number);
}

void page_put_seconds(struct page_out *page, const char *key, uint64_t ns) {
    page_key(page, key);
    page_seconds(page, ns);
}

void page_put_flag(struct page_out *page, const char *key, bool flag) {
    page_key(page, key);
    page_flag(page, flag);
}

void page_put_text(struct page_out *page, const char *key, const char *text) {
    page_key(page, key);
    page_text(page, text);
}

/* -- What the parts share -- */

uint32_t page_string(struct page_out *page, string_id string) {
    string_id text = page->texts[string];
    if (page->string_of[text] == 0) {
        page->strings[page->string_count] = text;
        page->string_of[text] = ++page->string_count;
    }
    return page->string_of[text] - 1;
}

static bool is_import(const struct model_frame *frame) {
    return strncmp(frame->file, "<frozen importlib", 17) == 0;
}

enum page_frame_kind page_frame_kind(const struct model_frame *frame) {
    if (frame->kind != FRAME_PYTHON)
        return frame->kind == FRAME_THREAD ? PAGE_THREAD : PAGE_NO_STACK;
    return is_import(frame) ? PAGE_IMPORT : frame_is_library(frame) ? PAGE_LIBRARY : PAGE_USER;
}

/* The last word of a frame: its module and its content. */
#define CONTENTS 8u

static struct intern_key frame_key(struct page_out *page, uint32_t node) {
    const struct profile_node *at = &page->profile->nodes[node];
    if (node == 0)
        return (struct intern_key){{PAGE_NO_STACK, 0, 0, 0, CONTENT_OTHER}};
    if (at->function == 0)
        return (struct intern_key){
            {PAGE_THREAD, page_string(page, at->thread), 0, 0, CONTENT_OTHER}};
    const struct profile_function *function = &page->profile->functions[at->function];
    struct model_frame frame = held_frame(page->profile, node);
    return (struct intern_key){
        {page_frame_kind(&frame), page_string(page, function->name),
         page_string(page, function->file), at->line,
         page_string(page, function->module) * CONTENTS + (uint32_t)page->contents[node]}};
}

uint32_t page_frame(struct page_out *page, uint32_t node) {
    const struct intern_key key = frame_key(page, node);
    uint32_t number = intern_add(&page->frames, &key);
    if (number != INTERN_FAILED)
        return number;
    page->failed = true;
    return 0;
}

void page_stack(struct page_out *page, uint32_t node) {
    page_stack_end(page, node, STACK_MAX);
}

void page_stack_end(struct page_out *page, uint32_t node, uint32_t most) {
    uint32_t path[STACK_ALL], depth = 0, native = 0;
    most = limit_from(page, most < STACK_MAX ? most : STACK_MAX, STACK_LEAST);
    uint32_t all = STACK_ALL / STACK_MAX * most;
    for (uint32_t at = node; at > 0 && depth - native < most && depth < all;
         at = page->profile->nodes[at].parent) {
        native += page->contents[at] >= CONTENT_NATIVE;
        path[depth++] = page_frame(page, at);
    }
    page_begin(page, '[');
    while (depth > 0)
        page_number(page, path[--depth]);
    page_end(page, ']');
}

static void put_frame_column(struct page_out *page, const char *name, uint32_t word) {
    page_key(page, name);
    page_begin(page, '[');
    for (uint32_t i = 0; i < page->frames.count; i++)
        page_number(page, page->frames.keys[i].words[word]);
    page_end(page, ']');
}

/* What the frames are to a view; only where there are native ones. */
static void put_contents(struct page_out *page) {
    page_key(page, "content");
    page_begin(page, '[');
    for (uint32_t i = 0; view_has_native(page->profile) && i < page->frames.count; i++)
        page_number(page, page->frames.keys[i].words[4] % CONTENTS);
    page_end(page, ']');
}

static void put_frames(struct page_out *page) {
    page_key(page, "frames");
    page_begin(page, '{');
    put_frame_column(page, "kind", 0);
    put_frame_column(page, "function", 1);
    put_frame_column(page, "file", 2);
    put_frame_column(page, "line", 3);
    put_contents(page);
    page_end(page, '}');
}

/* Of a page that has less of everything: the lines that its frames are at. */
struct frame_lines {
    uint64_t *list; /* file << 32 | line, rising; NULL: all lines are there */
    size_t count;
    uint32_t left; /* that may still be told */
};

static int compare_lines(const void *left, const void *right) {
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static void find_frame_lines(struct page_out *page, struct frame_lines *lines) {
    *lines = (struct frame_lines){.left = page_limit(page, LINES_MAX)};
    if (page->share == PAGE_WHOLE || page->frames.count == 0)
        return;
    lines->count = page->frames.count;
    lines->list = malloc(lines->count * sizeof *lines->list);
    page->failed |= !lines->list;
    for (size_t i = 0; lines->list && i < lines->count; i++)
        lines->list[i] =
            (uint64_t)page->frames.keys[i].words[2] << 32 | page->frames.keys[i].words[3];
    if (lines->list)
        qsort(lines->list, lines->count, sizeof *lines->list, compare_lines);
}

static bool has_line(const struct frame_lines *lines, uint32_t file, uint32_t line) {
    const uint64_t place = (uint64_t)file << 32 | line;
    return !lines->list ||
           bsearch(&place, lines->list, lines->count, sizeof *lines->list, compare_lines);
}

/* Their numbers, or their texts; returns how many. */
static uint32_t put_lines(struct page_out *page, uint32_t file,
                          const struct profile_source *sources, uint32_t count,
                          const struct frame_lines *lines, bool texts) {
    uint32_t told = 0;
    page_begin(page, '[');
    for (uint32_t i = 0; i < count; i++) {
        if (!has_line(lines, file, sources[i].line) || (lines->list && told == lines->left))
            continue;
        told++;
        page_number(page, texts ? page_string(page, sources[i].text) : sources[i].line);
    }
    page_end(page, ']');
    return told;
}

/* [string, package or "", the lines that are known, their strings]; `module`: of native code. */
static void put_file(struct page_out *page, uint32_t number, const char *module,
                     const struct profile_source *sources, uint32_t count,
                     struct frame_lines *lines) {
    const char *name = page->profile->strings[page->strings[number]];
    const struct model_frame frame = {.kind = FRAME_PYTHON, .file = name, .module = module};
    char package[200] = "";
    size_t length;
    if (frame_is_library(&frame)) {
        const char *start = frame_package(&frame, &length);
        snprintf(package, sizeof package, "%.*s", (int)length, start);
    }
    page_begin(page, '[');
    page_number(page, number);
    page_text(page, package);
    put_lines(page, number, sources, count, lines, false);
    lines->left -= put_lines(page, number, sources, count, lines, true);
    page_end(page, ']');
}

static void put_files(struct page_out *page) {
    struct sources sources;
    struct frame_lines lines;
    bool *done = calloc((size_t)page->string_count + 1, sizeof *done);
    find_frame_lines(page, &lines);
    if (!sources_open(page->profile, page->texts, &sources) || !done)
        page->failed = true;
    page_key(page, "files");
    page_begin(page, '[');
    for (uint32_t i = 0; !page->failed && i < page->frames.count; i++) {
        uint32_t file = page->frames.keys[i].words[2], first, end;
        if (file == 0 || done[file])
            continue;
        done[file] = true;
        sources_of_file(&sources, page->strings[file], &first, &end);
        uint32_t module = page->strings[page->frames.keys[i].words[4] / CONTENTS];
        put_file(page, file, page->profile->strings[module], sources.list + first, end - first,
                 &lines);
    }
    page_end(page, ']');
    sources_release(&sources);
    free(lines.list);
    free(done);
}

void page_put_shared(struct page_out *page) {
    put_frames(page);
    put_files(page);
    page_key(page, "strings");
    page_begin(page, '[');
    for (uint32_t i = 0; i < page->string_count; i++)
        page_text(page, page->profile->strings[page->strings[i]]);
    page_end(page, ']');
}
