/* See stacks.h. */
#include "stacks.h"

#include "viewer/intern.h"
#include "viewer/places.h"

#include <stdlib.h>
#include <string.h>

/* Where the functions of a profile begin, by name, file and line. */
struct beginning {
    string_id name, file;
    uint32_t line;
};

struct reader {
    const struct model *model;
    struct stacks *stacks;
    uint32_t *numbers;     /* by frame of the model: its stack's last frame */
    struct intern frames;  /* words: parent, kind, function, file, line */
    struct intern records; /* words: frame, kind */
    struct beginning *beginnings;
    uint32_t beginning_count;
};

static int compare_beginnings(const void *left, const void *right) {
    const struct beginning *a = left, *b = right;
    if (a->name != b->name)
        return a->name < b->name ? -1 : 1;
    if (a->file != b->file)
        return a->file < b->file ? -1 : 1;
    return (a->line > b->line) - (a->line < b->line);
}

static bool find_beginnings(struct reader *reader) {
    const struct profile *profile = reader->model->profile;
    string_id *texts = intern_texts(profile);
    reader->beginnings = calloc((size_t)profile->function_count + 1, sizeof *reader->beginnings);
    reader->beginning_count = profile->function_count;
    bool good = texts && reader->beginnings;
    for (uint32_t i = 0; good && i < profile->function_count; i++) {
        const struct profile_function *function = &profile->functions[i];
        reader->beginnings[i] =
            (struct beginning){texts[function->name], texts[function->file], function->first_line};
    }
    if (good)
        qsort(reader->beginnings, profile->function_count, sizeof *reader->beginnings,
              compare_beginnings);
    free(texts);
    return good;
}

/* Several functions may have the same name: the last one that begins before the line is meant. */
static uint32_t offset_of(const struct reader *reader, const struct model_frame *frame) {
    const struct beginning key = {frame->function_id, frame->file_id, frame->line};
    uint32_t low = 0, high = reader->beginning_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (compare_beginnings(&reader->beginnings[middle], &key) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    const struct beginning *found = low > 0 ? &reader->beginnings[low - 1] : NULL;
    if (!found || found->name != key.name || found->file != key.file)
        return frame->line;
    return frame->line - found->line;
}

/* A frame of the model below `parent`. INTERN_FAILED when memory ran out. */
static uint32_t add_frame(struct reader *reader, uint32_t parent, uint32_t number) {
    const struct model_frame *frame = &reader->model->frames[number];
    const struct intern_key key = {
        {parent, frame->kind, frame->function_id, frame->file_id, frame->line}};
    uint32_t before = reader->frames.count, own = intern_add(&reader->frames, &key);
    if (own == before)
        reader->stacks->frames[own] = (struct stack_frame){
            .parent = parent,
            .kind = frame->kind,
            .function = frame->function,
            .file = frame->file,
            .line = frame->line,
            .offset = frame->kind == FRAME_PYTHON ? offset_of(reader, frame) : 0,
            .source = frame->source,
        };
    return own;
}

static bool is_users(const struct model_frame *frame) {
    return frame->kind == FRAME_PYTHON && !frame_is_library(frame);
}

/* Where a frame of the user's belongs: beside the last one if that is of the same function. */
static uint32_t place_parent(const struct reader *reader, uint32_t last, uint32_t number) {
    const struct stack_frame *frame = &reader->stacks->frames[last];
    const struct model_frame *next = &reader->model->frames[number];
    bool again = last > 0 && strcmp(frame->function, next->function) == 0 &&
                 strcmp(frame->file, next->file) == 0;
    return again ? frame->parent : last;
}

static bool add_frames(struct reader *reader, bool places) {
    const struct model *model = reader->model;
    bool good = add_frame(reader, 0, 0) == 0;
    for (uint32_t i = 1; good && i < model->frame_count; i++) {
        const struct model_frame *frame = &model->frames[i];
        uint32_t parent = reader->numbers[frame->parent];
        reader->numbers[i] = parent;
        if (frame->kind == FRAME_PROCESS || (places && !is_users(frame)))
            continue;
        reader->numbers[i] =
            add_frame(reader, places ? place_parent(reader, parent, i) : parent, i);
        good = reader->numbers[i] != INTERN_FAILED;
    }
    reader->stacks->frame_count = reader->frames.count;
    return good;
}

static bool add_record(struct reader *reader, const struct model_site *site, uint32_t kind) {
    uint32_t frame = reader->numbers[site->frame];
    if (frame == 0) /* none of the user's */
        frame = add_frame(reader, 0, site->frame);
    const struct intern_key key = {{frame, kind}};
    uint32_t number = frame == INTERN_FAILED ? frame : intern_add(&reader->records, &key);
    if (number == INTERN_FAILED)
        return false;
    struct stack_record *record = &reader->stacks->records[number];
    record->frame = frame;
    record->kind = kind;
    record->bytes += site->bytes;
    record->blocks += site->blocks;
    return true;
}

bool diff_stacks_read(const struct model *model, bool places, struct stacks *stacks) {
    struct reader reader = {.model = model, .stacks = stacks};
    /* each frame of the model is added once, and perhaps once more as a stack of its own */
    *stacks = (struct stacks){
        .frames = calloc((size_t)model->frame_count * 2 + 1, sizeof *stacks->frames),
        .records = calloc((size_t)model->site_count + 1, sizeof *stacks->records)};
    reader.numbers = calloc((size_t)model->frame_count + 1, sizeof *reader.numbers);
    bool good = stacks->frames && stacks->records && reader.numbers && find_beginnings(&reader) &&
                add_frames(&reader, places);
    for (uint32_t i = 0; good && i < model->site_count; i++)
        good = add_record(&reader, &model->sites[i],
                          places ? STACKS_ANY_KIND : (uint32_t)model->sites[i].kind);
    stacks->frame_count = reader.frames.count;
    stacks->record_count = reader.records.count;
    intern_release(&reader.frames);
    intern_release(&reader.records);
    free(reader.numbers);
    free(reader.beginnings);
    return good;
}

void diff_stacks_release(struct stacks *stacks) {
    free(stacks->frames);
    free(stacks->records);
    *stacks = (struct stacks){0};
}
