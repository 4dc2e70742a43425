/* Who held the memory, for the page's table. */
#include "page.h"

#include "places.h"

#include <stdlib.h>

#define MAX_HOLDERS 100u

static json_t *new_advice(const struct holder *holder, struct words *words) {
    json_t *list = json_array();
    for (uint32_t i = 0; i < holder->advice_count; i++)
        json_array_append_new(list, page_word(words, holder->advice[i]));
    return list;
}

/* [function, file, line], or null where no Python frame is known. */
static json_t *new_place(const struct profile *profile, uint32_t node, struct words *words) {
    struct model_frame frame = held_place(profile, node);
    if (frame.kind != FRAME_PYTHON)
        return json_null();
    return json_pack("[o, o, I]", page_word(words, frame.function), page_word(words, frame.file),
                     (json_int_t)frame.line);
}

static json_t *new_row(const struct profile *profile, const struct findings *findings,
                       uint32_t number, struct words *words) {
    const struct holder *holder = &findings->holders[number];
    uint64_t released = holder_peak_if_released(holder, held_peak(profile, findings));
    return json_pack("{s:I, s:o, s:I, s:o, s:o, s:i, s:o, s:i, s:o, s:o, s:o, s:o, s:o, s:o}",
                     "number", (json_int_t)number + 1, "bytes", json_count(holder->bytes), "count",
                     (json_int_t)holder->count, "type", page_word(words, holder->type), "detail",
                     page_word(words, holder->detail), "root", (int)holder->root, "path",
                     page_word(words, *holder->path ? holder->path : holder->name), "verdict",
                     (int)holder->verdict, "reason", page_word(words, holder->reason), "others",
                     page_word(words, holder->others), "saves", json_count(holder->saves),
                     "released", json_count(released), "advice", new_advice(holder, words), "place",
                     new_place(profile, holder->node, words));
}

static json_t *new_rows(const struct profile *profile, const struct findings *findings,
                        struct words *words) {
    uint32_t *order = held_order(findings, held_peak(profile, findings));
    json_t *list = order ? json_array() : NULL;
    for (uint32_t i = 0; list && i < findings->count && i < MAX_HOLDERS; i++)
        json_array_append_new(list, new_row(profile, findings, order[i], words));
    free(order);
    return list;
}

static json_t *new_holders(const struct profile *profile, const struct findings *findings,
                           struct words *words) {
    const struct profile_process *process = &profile->processes[findings->process];
    const struct profile_snapshot *snapshot = &profile->snapshots[findings->snapshot];
    return json_pack(
        "{s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:b, s:b, s:o, s:o, s:i, s:I, "
        "s:o}",
        "pid", (json_int_t)process->pid, "peak", json_count(process->peak_bytes), "time",
        json_seconds(process->peak_ns), "released",
        json_count(held_peak_if_released(profile, findings)), "seen",
        json_count(held_bytes(findings->bytes, findings->pending_bytes)), "seenTime",
        json_seconds(snapshot->time_ns), "garbage", json_count(findings->garbage_bytes), "dead",
        json_count(findings->dead_bytes), "pending", json_count(findings->pending_bytes),
        "pendingPlace", new_place(profile, snapshot->pending_node, words), "far",
        findings->far_from_peak, "shallow", (snapshot->flags & SNAPSHOT_IS_SHALLOW) != 0,
        "complete", (snapshot->flags & SNAPSHOT_COMPLETE) != 0, "name",
        page_word(words, held_snapshot_name(profile, snapshot)), "why",
        page_word(words, findings->graph ? "" : findings->why), "count", (int)findings->count,
        "snapshots", (json_int_t)process->snapshots, "pause", json_seconds(process->snapshot_ns));
}

static bool add_process(json_t *all, const struct profile *profile,
                        const struct report_options *options, uint32_t process,
                        struct words *words) {
    char key[16];
    snprintf(key, sizeof key, "%u", process);
    if (process == HELD_NONE || json_object_get(all, key))
        return true;
    struct findings *findings = held_open(profile, options, process);
    if (!findings)
        return true;
    json_t *holders = new_holders(profile, findings, words);
    bool good = json_object_set_new(holders, "rows", new_rows(profile, findings, words)) == 0 &&
                json_object_set_new(all, key, holders) == 0;
    held_close(options, findings);
    return good;
}

json_t *page_holders(const struct profile *profile, const struct report_options *options,
                     const json_t *views, struct words *words, int *tree) {
    json_t *all = json_object(), *view;
    size_t i;
    uint32_t process = held_process(profile, options);
    bool good = add_process(all, profile, options, process, words);
    *tree = process == HELD_NONE ? -1 : (int)process;
    json_array_foreach(views, i, view) {
        json_int_t number = json_integer_value(json_object_get(view, "process"));
        if (number >= 0)
            good = good && add_process(all, profile, options, (uint32_t)number, words);
    }
    if (good)
        return all;
    json_decref(all);
    return NULL;
}
