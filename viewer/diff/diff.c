/* See diff.h: reads both sides, then matches their files, stacks, processes and holders, in this
 * order, since each needs the ones before. */
#include "diff.h"

#include "processes.h"

#include <assert.h>
#include <stdlib.h>

static bool add_file(struct side *side, const char *path) {
    const struct model_frame frame = {.kind = FRAME_PYTHON, .file = path};
    return files_add(&side->files, path, place_file(&side->places, path), frame_is_library(&frame));
}

static bool add_files(struct side *side) {
    const struct profile *profile = side->profile;
    bool good = add_file(side, "");
    for (uint32_t i = 0; good && i < profile->function_count; i++)
        good = add_file(side, profile->strings[profile->functions[i].file]);
    for (uint32_t i = 0; good && i < side->held_count; i++)
        good = add_file(side, side->held[i].file);
    return good;
}

static bool read_side(struct side *side, const struct profile *profile) {
    side->profile = profile;
    side->model = model_build(profile, PROFILE_TREE);
    return side->model && places_find(side->model, &side->places) && holders_read(side) &&
           add_files(side) && diff_stacks_read(side->model, false, &side->stacks[STACKS_WHOLE]) &&
           diff_stacks_read(side->model, true, &side->stacks[STACKS_PLACES]);
}

static void release_side(struct side *side) {
    diff_stacks_release(&side->stacks[STACKS_WHOLE]);
    diff_stacks_release(&side->stacks[STACKS_PLACES]);
    files_release(&side->files);
    holders_release(side);
    places_release(&side->places);
    model_free(side->model);
}

static bool match_all_stacks(struct diff *diff) {
    const struct files *const files[2] = {&diff->sides[BEFORE].files, &diff->sides[AFTER].files};
    bool good = true;
    for (int level = STACKS_WHOLE; good && level <= STACKS_PLACES; level++) {
        const struct stacks *const stacks[2] = {&diff->sides[BEFORE].stacks[level],
                                                &diff->sides[AFTER].stacks[level]};
        good = match_stacks(stacks, files, &diff->stacks[level]);
    }
    return good;
}

static void add_process(struct diff *diff, uint32_t before, uint32_t after) {
    const struct profile *had = diff->sides[BEFORE].profile, *has = diff->sides[AFTER].profile;
    uint64_t bytes[2] = {before == PAIR_NONE ? 0 : had->processes[before].tree_bytes,
                         after == PAIR_NONE ? 0 : has->processes[after].tree_bytes};
    diff->processes[diff->process_count++] =
        (struct process_change){{before, after}, (int64_t)bytes[AFTER] - (int64_t)bytes[BEFORE]};
}

/* In the order of the second run; then those that are gone. */
static bool match_all_processes(struct diff *diff, struct pairs *pairs) {
    const struct profile *const profiles[2] = {diff->sides[BEFORE].profile,
                                               diff->sides[AFTER].profile};
    size_t count = (size_t)profiles[BEFORE]->process_count + profiles[AFTER]->process_count;
    diff->processes = calloc(count + 1, sizeof *diff->processes);
    if (!processes_match(profiles, pairs) || !diff->processes)
        return false;
    for (uint32_t i = 0; i < profiles[AFTER]->process_count; i++)
        add_process(diff, pairs->partners[AFTER][i], i);
    for (uint32_t i = 0; i < profiles[BEFORE]->process_count; i++)
        if (pairs->partners[BEFORE][i] == PAIR_NONE)
            add_process(diff, i, PAIR_NONE);
    return true;
}

static void find_totals(struct diff *diff) {
    const struct model *had = diff->sides[BEFORE].model, *has = diff->sides[AFTER].model;
    diff->difference = (int64_t)has->bytes - (int64_t)had->bytes;
    for (int side = BEFORE; side <= AFTER; side++) {
        const struct model *model = diff->sides[side].model;
        for (uint32_t i = 0; i < model->site_count; i++)
            diff->kinds[side][model->sites[i].kind] += model->sites[i].bytes;
    }
}

struct diff *diff_build(const struct profile *before, const struct profile *after) {
    struct diff *diff = calloc(1, sizeof *diff);
    struct pairs processes = {0};
    bool good = diff && read_side(&diff->sides[BEFORE], before) &&
                read_side(&diff->sides[AFTER], after) &&
                files_match(&diff->sides[BEFORE].files, &diff->sides[AFTER].files) &&
                match_all_stacks(diff) && match_all_processes(diff, &processes) &&
                holders_match(diff, &processes);
    pairs_release(&processes);
    if (!good) {
        diff_free(diff);
        return NULL;
    }
    find_totals(diff);
    assert(diff_is_valid(diff));
    return diff;
}

void diff_free(struct diff *diff) {
    if (!diff)
        return;
    match_release(&diff->stacks[STACKS_WHOLE]);
    match_release(&diff->stacks[STACKS_PLACES]);
    free(diff->processes);
    free(diff->holders);
    release_side(&diff->sides[BEFORE]);
    release_side(&diff->sides[AFTER]);
    free(diff);
}

bool diff_is_valid(const struct diff *diff) {
    int64_t whole = 0, places = 0, processes = 0;
    for (uint32_t i = 0; i < diff->stacks[STACKS_WHOLE].count; i++)
        whole += diff->stacks[STACKS_WHOLE].list[i].difference;
    for (uint32_t i = 0; i < diff->stacks[STACKS_PLACES].count; i++)
        places += diff->stacks[STACKS_PLACES].list[i].difference;
    for (uint32_t i = 0; i < diff->process_count; i++)
        processes += diff->processes[i].difference;
    return whole == diff->difference && places == diff->difference && processes == diff->difference;
}

const char *diff_state(const uint32_t sides[2], int64_t difference) {
    if (sides[BEFORE] == PAIR_NONE)
        return "new";
    if (sides[AFTER] == PAIR_NONE)
        return "gone";
    return difference > 0 ? "grown" : difference < 0 ? "shrunk" : "same";
}
