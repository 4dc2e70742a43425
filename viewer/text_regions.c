/* The regions that the program marked, in the text report: the biggest, by their own peaks. */
#include "format.h"
#include "region_holders.h"
#include "regions.h"
#include "text.h"

#include <stdlib.h>

#define REGION_LINES_AIRY 12u
#define REGION_LINES_BRIEF 4u
#define NAME_WIDTH 60u
#define HELD_REGIONS 3u /* whose holders are looked for: each may take a while */
#define HOLDER_LINES 2u
#define TELLING_PART 10u
#define CHURN_TIMES 4u /* its peak, before that is worth telling */
#define NATIVE_TOLD (64u << 10)
#define DRAG_TOLD (1u << 20) /* byte-seconds */

static int compare_regions(const void *left, const void *right, void *context) {
    const struct profile *profile = context;
    uint32_t i = *(const uint32_t *)left, j = *(const uint32_t *)right;
    uint64_t a = profile->regions[i].peak_bytes, b = profile->regions[j].peak_bytes;
    if (a != b)
        return a > b ? -1 : 1;
    return (i > j) - (i < j);
}

/* The names of those that it is inside of come first. */
static void put_name(struct text *text, uint32_t number) {
    const struct profile *profile = text->model->profile;
    const struct profile_region *region = &profile->regions[number];
    uint32_t path[16], depth = 0;
    for (uint32_t at = number + 1; at && depth < 16; at = profile->regions[at - 1].parent)
        path[depth++] = at - 1;
    for (uint32_t i = depth; i-- > 0;) {
        format_escaped(text->out, profile->strings[profile->regions[path[i]].name], "", NAME_WIDTH);
        if (i > 0)
            fputs(" > ", text->out);
    }
    if (region->count > 1)
        fprintf(text->out, ", %s", format_count(region->count, "time").text);
}

/* "; untouched 28.8 MiB s, most from load(), app.py:8" */
static void put_drag(struct text *text, const struct profile_region *region) {
    uint64_t untouched = profile_untouched(region->byte_seconds);
    if (untouched < DRAG_TOLD || untouched < profile_lived(region->byte_seconds) / TELLING_PART)
        return;
    fprintf(text->out, "; untouched %s s", format_bytes(untouched).text);
    if (region->drag_node) {
        fputs(", most from ", text->out);
        text_put_node(text, text->out, region->drag_node);
    }
}

static void put_region(struct text *text, uint32_t number) {
    const struct profile *profile = text->model->profile;
    const struct profile_region *region = &profile->regions[number];
    fprintf(text->out, "  %10s  ", format_bytes(region->peak_bytes).text);
    put_name(text, number);
    fprintf(text->out, "; kept %s", format_bytes(region->kept_bytes).text);
    if (regions_churn(region) / CHURN_TIMES > region->peak_bytes)
        fprintf(text->out, "; churn %s", format_bytes(regions_churn(region)).text);
    if (region->exit_native_bytes >= NATIVE_TOLD && regions_left_for_good(profile, region->process))
        fprintf(text->out, "; native, never given back: %s",
                format_bytes(region->exit_native_bytes).text);
    put_drag(text, region);
    if (profile->process_count > 1 && text->model->process == PROFILE_TREE)
        fprintf(text->out, "; process %u", profile->processes[region->process].pid);
    if (region->unclosed)
        fputs("; was not ended", text->out);
    text_line_end(text);
}

/* The biggest one or two, where it was looked at. */
static void put_holders(struct text *text, struct region_findings *all, uint32_t number) {
    const struct profile_region *region = &text->model->profile->regions[number];
    const struct findings *findings = region_findings_of(all, region);
    uint32_t numbers[REGION_HOLDERS_MAX];
    uint32_t count = findings ? region_holders(findings, region, numbers) : 0;
    for (uint32_t i = 0; i < count && i < HOLDER_LINES; i++) {
        const struct holder *holder = &findings->holders[numbers[i]];
        if (i > 0 && holder->bytes < region->peak_bytes / TELLING_PART)
            break;
        fprintf(text->out, "              %10s  ", format_bytes(holder->bytes).text);
        text_put_object(text->out, holder);
        fputs(", ", text->out);
        if (holder->verdict == VERDICT_GARBAGE)
            fputs("garbage", text->out);
        else
            text_put_root(text, text->out, holder);
        fputs(holder->verdict == VERDICT_DEAD ? ", never read again" : "", text->out);
        text_line_end(text);
    }
}

static bool is_shown(const struct text *text, const struct profile_region *region) {
    return text->model->process == PROFILE_TREE || text->model->process == region->process;
}

static void list_regions(struct text *text, struct region_findings *all, const uint32_t *order,
                         uint32_t count) {
    uint32_t most = text->airy ? REGION_LINES_AIRY : REGION_LINES_BRIEF;
    fputs("  regions, by the highest that each allocated itself:", text->out);
    text_line_end(text);
    for (uint32_t i = 0; i < count && i < most; i++) {
        put_region(text, order[i]);
        if (text->airy && i < HELD_REGIONS)
            put_holders(text, all, order[i]);
    }
    if (count > most) {
        fprintf(text->out, "  and %s", format_count(count - most, "other").text);
        text_line_end(text);
    }
    text_gap(text);
}

bool text_put_regions(struct text *text) {
    const struct profile *profile = text->model->profile;
    if (profile->region_count == 0)
        return true;
    uint32_t *order = malloc(profile->region_count * sizeof *order), count = 0;
    if (!order)
        return false;
    for (uint32_t i = 0; i < profile->region_count; i++)
        if (is_shown(text, &profile->regions[i]))
            order[count++] = i;
    qsort_r(order, count, sizeof *order, compare_regions, (void *)(uintptr_t)profile);
    struct region_findings all;
    bool good = region_findings_open(&all, profile);
    if (good && count)
        list_regions(text, &all, order, count);
    region_findings_close(&all);
    free(order);
    return good;
}
