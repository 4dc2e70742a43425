/* The views of a whole run as text: what was live when it ended, what was allocated and given back
 * again, and how long blocks lived. By place: the user's line that asked for them.
 */
#include "format.h"
#include "held.h"
#include "intern.h"
#include "regions.h"
#include "run_text.h"
#include "text.h"
#include "typed.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define TYPES_SHOWN 10u
#define COLLECTED_SHOWN 10u
#define REGIONS_SHOWN 6u
#define REGION_SITES_SHOWN 3u
#define SOURCE_COLUMN 56u

/* -- Places -- */

static int put_frame(const struct run_view *view, const struct model_frame *frame) {
    if (frame->kind == FRAME_NONE)
        return fprintf(view->out, "no stack known");
    if (frame->kind == FRAME_THREAD)
        return fprintf(view->out, "thread ") +
               (int)format_escaped(view->out, frame->function, "", 40);
    size_t used = format_escaped(view->out, frame->function, "", 40);
    used += (size_t)fprintf(view->out, "%s ", text_call_mark(frame->function));
    used +=
        format_escaped(view->out, text_short_file(frame_file(&view->places, frame), 36), "", 40);
    return (int)used + (frame->line ? fprintf(view->out, ":%u", frame->line) : 0);
}

void run_put_place(const struct run_view *view, uint32_t node) {
    const struct profile *profile = view->profile;
    uint32_t lead = life_lead(profile, node);
    struct model_frame frame = held_place(profile, lead);
    int used = fprintf(view->out, "      ") + put_frame(view, &frame);
    uint32_t caller = lead ? life_lead(profile, profile->nodes[lead].parent) : 0;
    struct model_frame outer = held_frame(profile, caller);
    if (frame.kind == FRAME_PYTHON && outer.kind == FRAME_PYTHON) {
        used += fprintf(view->out, ", in ");
        used += (int)format_escaped(view->out, outer.function, "", 40);
        used += fprintf(view->out, "%s:%u", text_call_mark(outer.function), outer.line);
    }
    string_id file = profile->functions[profile->nodes[lead].function].file;
    const char *source = sources_find(&view->sources, view->texts[file], frame.line);
    source += strspn(source, " \t");
    int column = used < (int)SOURCE_COLUMN ? (int)SOURCE_COLUMN : used + 2;
    if (frame.kind == FRAME_PYTHON && *source && column + 12 < (int)view->options->width) {
        fprintf(view->out, "%*s", column - used, "");
        format_escaped(view->out, source, "", view->options->width - (size_t)column);
    }
    fputc('\n', view->out);
}

/* -- How long -- */

/* "at once", "1 more allocation", "7 more allocations" */
static void put_age(FILE *out, unsigned bucket) {
    uint64_t end = life_bucket_end(bucket, PROFILE_AGES);
    if (end == UINT64_MAX)
        fputs("over a thousand million more allocations", out);
    else if (end == 0)
        fputs("no other allocation", out);
    else
        fputs(format_count(end, "other allocation").text, out);
}

/* Times are known to about a millisecond. */
static void put_time(FILE *out, unsigned bucket) {
    uint64_t end = life_bucket_end(bucket, PROFILE_TIMES);
    if (end == UINT64_MAX)
        fputs("over an hour", out);
    else if (end < 999)
        fprintf(out, "%" PRIu64 " ms", end + 1);
    else
        fputs(format_time((end + 1) * 1000000).text, out);
}

/* "half ended within 3 other allocations (1 ms), 9 in 10 within ..." */
static void put_ages(const struct run_view *view, const struct profile_lifetime *lifetime) {
    static const unsigned quantiles[] = {500, 900};
    static const char *const names[] = {"half ended within ", "; 9 in 10 within "};
    fputs("      ", view->out);
    for (unsigned i = 0; i < 2; i++) {
        fputs(names[i], view->out);
        put_age(view->out, life_quantile(lifetime->ages, PROFILE_AGES, quantiles[i]));
        fputs(", ", view->out);
        put_time(view->out, life_quantile(lifetime->times, PROFILE_TIMES, quantiles[i]));
    }
    fputc('\n', view->out);
}

static void put_ends(const struct run_view *view, const struct profile_lifetime *lifetime,
                     uint64_t kept) {
    const char *before = "";
    fputs("      ", view->out);
    for (unsigned i = 0; lifetime && i < PROFILE_ENDS; i++) {
        if (lifetime->ended_blocks[i] == 0)
            continue;
        fprintf(view->out, "%s%" PRIu64 " %s", before, lifetime->ended_blocks[i],
                life_end_names[i]);
        before = ", ";
    }
    if (kept > 0)
        fprintf(view->out, "%s%" PRIu64 " never", before, kept);
    fputc('\n', view->out);
}

/* Of a stack its place alone is shown, which several have. */
static uint32_t same_place(const struct profile *profile, const struct profile_lifetime *known,
                           uint32_t node) {
    const struct profile_node *one = &profile->nodes[node];
    for (unsigned i = 0; i < PROFILE_FREES; i++) {
        uint32_t place = known->frees[i].node;
        const struct profile_node *other = &profile->nodes[place];
        if (place && other->function == one->function && other->line == one->line &&
            other->thread == one->thread)
            return place;
    }
    return node;
}

static struct profile_lifetime frees_by_place(const struct profile *profile,
                                              const struct profile_lifetime *lifetime) {
    struct profile_lifetime places = {0};
    for (unsigned i = 0; i < PROFILE_FREES; i++) {
        struct profile_free one = lifetime->frees[i];
        one.node = same_place(profile, &places, life_lead(profile, one.node));
        profile_lifetime_add_free(&places, one);
    }
    return places;
}

/* The two that freed most, as far as no other can have freed more. */
static void put_frees(const struct run_view *view, const struct profile_lifetime *by_stack) {
    const struct profile_lifetime places = frees_by_place(view->profile, by_stack);
    const struct profile_lifetime *lifetime = &places;
    uint32_t first = PROFILE_FREES, second = PROFILE_FREES;
    uint64_t elsewhere = life_freed_elsewhere(by_stack);
    for (uint32_t i = 0; i < PROFILE_FREES; i++) {
        uint64_t blocks = lifetime->frees[i].node ? lifetime->frees[i].blocks : 0;
        if (blocks < elsewhere)
            continue;
        if (blocks > 0 && (first == PROFILE_FREES || blocks > lifetime->frees[first].blocks)) {
            second = first;
            first = i;
        } else if (blocks > 0 &&
                   (second == PROFILE_FREES || blocks > lifetime->frees[second].blocks)) {
            second = i;
        }
    }
    for (uint32_t i = first; i < PROFILE_FREES; i = i == first ? second : PROFILE_FREES) {
        const struct profile_free *one = &lifetime->frees[i];
        struct model_frame frame = held_place(view->profile, one->node);
        fprintf(view->out, "      %s freed in ", format_count(one->blocks, "block").text);
        put_frame(view, &frame);
        fputc('\n', view->out);
    }
}

/* -- Rows -- */

typedef void put_row(const struct run_view *view, const struct turnover_row *row);

static void put_size(const struct run_view *view, uint64_t bytes, uint64_t all) {
    fprintf(view->out, "  %10s %7s  ", format_bytes(bytes).text, format_percent(bytes, all).text);
}

static void put_leak(const struct run_view *view, const struct turnover_row *row) {
    put_size(view, row->exit_bytes, view->turnover.sums.exit_bytes);
    fputs(format_count(row->exit_blocks, "block").text, view->out);
    if (row->made_blocks > 0)
        fprintf(view->out, " of %" PRIu64 " that it allocated", row->made_blocks);
    fputc('\n', view->out);
    run_put_place(view, row->node);
}

static void put_temporary(const struct run_view *view, const struct turnover_row *row) {
    const struct profile_lifetime *lifetime = turnover_of(&view->turnover, row);
    put_size(view, turnover_churn(row), turnover_churn(&view->turnover.sums));
    fprintf(view->out, "%s of %s on average\n", format_count(row->made_blocks, "block").text,
            format_bytes(row->made_blocks ? row->made_bytes / row->made_blocks : 0).text);
    run_put_place(view, row->node);
    if (lifetime)
        put_ages(view, lifetime);
}

static void put_lifetime(const struct run_view *view, const struct turnover_row *row) {
    const struct profile_lifetime *lifetime = turnover_of(&view->turnover, row);
    put_size(view, row->made_bytes, view->turnover.sums.made_bytes);
    fputs(format_count(row->made_blocks, "block").text, view->out);
    fputc('\n', view->out);
    run_put_place(view, row->node);
    put_ends(view, lifetime, row->kept_blocks);
    if (!lifetime)
        return;
    put_ages(view, lifetime);
    put_frees(view, lifetime);
}

/* What is smaller than a hundredth is not worth its lines. */
static void put_rows(struct run_view *view, turnover_measure *measure, put_row *put) {
    struct turnover *turnover = &view->turnover;
    uint64_t all = measure(&turnover->sums), rest = all;
    uint32_t shown = 0, others = 0;
    uint32_t count = turnover_most(turnover, measure, PLACES_SHOWN);
    for (; shown < count; shown++) {
        const struct turnover_row *row = &turnover->rows[turnover->order[shown]];
        uint64_t bytes = measure(row);
        if (shown > 0 && bytes < all / 100)
            break;
        put(view, row);
        rest -= bytes < rest ? bytes : rest;
    }
    for (uint32_t i = 0; i < turnover->count; i++)
        others += measure(&turnover->rows[i]) > 0;
    others -= shown;
    if (others > 0)
        fprintf(view->out, "  and %s, together %s\n", format_count(others, "other place").text,
                format_bytes(rest).text);
}

/* -- Types -- */

static void put_objects(const struct run_view *view, uint64_t count, uint32_t type) {
    const char *finalizer = typed_finalizer(view->profile, type);
    if (type == PROFILE_TYPE_UNKNOWN)
        fprintf(view->out, "%s: ", format_count(count, "block").text);
    else
        fprintf(view->out, "%s of ", format_count(count, "object").text);
    format_escaped(view->out, typed_name(view->profile, type), "", 80);
    if (finalizer)
        fputs(*finalizer == 'p' ? ", with a __del__" : ", with a native finalizer", view->out);
    fputc('\n', view->out);
}

static void put_type(const struct run_view *view, const struct typed *typed,
                     const struct profile_lifetime *lifetime) {
    put_size(view, typed_all_bytes(lifetime), typed_all_bytes(&typed->ended));
    put_objects(view, profile_lifetime_ended(lifetime) + lifetime->kept_blocks, lifetime->type);
    put_ends(view, lifetime, lifetime->kept_blocks);
    if (profile_lifetime_ended(lifetime) > 0)
        put_ages(view, lifetime);
    put_frees(view, lifetime);
}

static void put_types(const struct run_view *view, const struct typed *typed) {
    uint32_t shown = 0;
    fputs("\n  blocks of Python's, by the type of the object\n", view->out);
    for (; shown < typed->type_count && shown < TYPES_SHOWN; shown++) {
        if (shown > 0 &&
            typed_all_bytes(&typed->types[shown]) < typed_all_bytes(&typed->ended) / 100)
            break;
        put_type(view, typed, &typed->types[shown]);
    }
    if (typed->type_count > shown)
        fprintf(view->out, "  and %s\n",
                format_count(typed->type_count - shown, "other type").text);
}

/* What survives only until a collection. */
static void put_collected(const struct run_view *view, const struct typed *typed) {
    uint32_t shown = 0;
    if (typed->collected_count == 0)
        return;
    fputs("\n  freed by a collection of garbage alone, by type and place\n", view->out);
    for (; shown < typed->collected_count && shown < COLLECTED_SHOWN; shown++) {
        const struct profile_collected *one = &typed->collected[shown];
        if (shown > 0 && one->bytes < typed->collected_bytes / 1000)
            break;
        put_size(view, one->bytes, typed->collected_bytes);
        put_objects(view, one->blocks, one->type);
        run_put_place(view, one->node);
    }
    if (typed->collected_count > shown)
        fprintf(view->out, "  and %s\n",
                format_count(typed->collected_count - shown, "other type at a place").text);
}

static void put_typed(const struct run_view *view) {
    const struct turnover_room places = {.profile = view->profile};
    struct typed typed;
    if (typed_open(&typed, &places, view->options->process) && typed.type_count > 0) {
        put_types(view, &typed);
        put_collected(view, &typed);
    }
    typed_release(&typed);
}

/* -- Regions -- */

/* The biggest of `count` that is smaller than `below`, or the same and further on. */
static const struct profile_region_site *next_site(const struct profile_region_site *sites,
                                                   uint32_t count,
                                                   const struct profile_region_site *last) {
    const struct profile_region_site *best = NULL;
    for (const struct profile_region_site *site = sites; site < sites + count; site++) {
        bool later = !last || site->kept_bytes < last->kept_bytes ||
                     (site->kept_bytes == last->kept_bytes && site > last);
        if (later && (!best || site->kept_bytes > best->kept_bytes))
            best = site;
    }
    return best && best->kept_bytes ? best : NULL;
}

static void put_region(const struct run_view *view, const struct profile_region *region,
                       const struct profile_region_site *sites) {
    fprintf(view->out, "  %10s  ", format_bytes(region->all_kept_bytes).text);
    format_escaped(view->out, view->profile->strings[region->name], "", 60);
    if (region->count > 1)
        fprintf(view->out, ", %s; %s in the one with the highest peak",
                format_count(region->count, "time").text, format_bytes(region->kept_bytes).text);
    fputc('\n', view->out);
    const struct profile_region_site *site = NULL;
    for (unsigned shown = 0; shown < REGION_SITES_SHOWN;) {
        site = next_site(sites, region->site_count, site);
        if (!site)
            break;
        if (!site->node) /* the sum of those that are too many to tell */
            continue;
        shown++;
        fprintf(view->out, "    %10s in %s\n", format_bytes(site->kept_bytes).text,
                format_count(site->kept_blocks, "block").text);
        run_put_place(view, site->node);
    }
}

static bool left_something(const struct run_view *view, const struct profile_region *region) {
    uint32_t process = view->options->process;
    return (process == PROFILE_TREE || process == region->process) && region->all_kept_bytes > 0;
}

/* The one that left most of those that left less than `last`, or the same and further on. */
static const struct profile_region *next_region(const struct run_view *view,
                                                const struct profile_region *last) {
    const struct profile *profile = view->profile;
    const struct profile_region *best = NULL, *end = profile->regions + profile->region_count;
    for (const struct profile_region *region = profile->regions; region < end; region++) {
        bool later = !last || region->all_kept_bytes < last->all_kept_bytes ||
                     (region->all_kept_bytes == last->all_kept_bytes && region > last);
        if (left_something(view, region) && later &&
            (!best || region->all_kept_bytes > best->all_kept_bytes))
            best = region;
    }
    return best;
}

/* The regions that left most, all times together, each between its begin and its end. */
static void put_regions(const struct run_view *view) {
    const struct profile *profile = view->profile;
    const struct profile_region *region = NULL;
    uint32_t count = 0;
    for (uint32_t i = 0; i < profile->region_count; i++)
        count += left_something(view, &profile->regions[i]);
    for (unsigned i = 0; i < REGIONS_SHOWN && i < count; i++) {
        const struct profile_region_site *sites = profile->region_sites;
        region = next_region(view, region);
        for (const struct profile_region *one = profile->regions; one < region; one++)
            sites += one->site_count;
        if (i == 0)
            fputs("\n  allocated in a region, and still live at its end:\n", view->out);
        put_region(view, region, sites);
    }
    if (count > REGIONS_SHOWN)
        fprintf(view->out, "  and %s\n", format_count(count - REGIONS_SHOWN, "other region").text);
}

/* -- The views -- */

static void put_head(const struct run_view *view) {
    const struct turnover_row *sums = &view->turnover.sums;
    const struct profile *profile = view->profile;
    fputs("holdfast: ", view->out);
    if (view->options->region) {
        fputs("region ", view->out);
        format_escaped(view->out, view->options->region, "", 80);
        fputs(": ", view->out);
    } else {
        fprintf(view->out, "%s allocated in the whole run, in %s; ",
                format_bytes(sums->made_bytes).text, format_count(sums->made_blocks, "block").text);
    }
    fprintf(view->out, "%s live at its end, in %s\n  ", format_bytes(sums->exit_bytes).text,
            format_count(sums->exit_blocks, "block").text);
    text_put_command(view->out, profile, profile->command, profile->command_count,
                     view->options->width - 2);
    fputs("\n\n", view->out);
}

static void put_unknown(const struct run_view *view) {
    if (!view->turnover.followed)
        fputs("  How long blocks lived is not known: holdfast run --lifetimes records that\n",
              view->out);
}

static void put_leaks(struct run_view *view) {
    fputs(view->options->region ? "  allocated in the region, and still live at its end, by place\n"
                                : "  live when the program ended, by place\n",
          view->out);
    put_rows(view, turnover_kept, put_leak);
    if (view->options->region)
        return;
    if (!view->turnover.followed)
        fputs("  An interpreter gives most back as it ends: run --lifetimes tells what it had\n",
              view->out);
    put_regions(view);
}

static void put_temporaries(struct run_view *view) {
    if (view->options->region) {
        fputs("  What a region allocated in all is not recorded by stack\n", view->out);
        return;
    }
    fputs("  allocated and given back again, by place\n", view->out);
    put_rows(view, turnover_churn, put_temporary);
    put_unknown(view);
}

static void put_lifetimes(struct run_view *view) {
    if (view->options->region || !view->turnover.followed) {
        put_unknown(view);
        return;
    }
    fputs("  all blocks\n", view->out);
    put_ends(view, &view->turnover.ended, view->turnover.sums.kept_blocks);
    if (profile_lifetime_ended(&view->turnover.ended) > 0)
        put_ages(view, &view->turnover.ended);
    fputs("\n  by place, what allocated most first\n", view->out);
    put_rows(view, turnover_made, put_lifetime);
    put_typed(view);
}

bool report_turnover(const struct profile *profile, const struct report_options *options,
                     FILE *out) {
    struct run_view view = {.profile = profile, .options = options, .out = out};
    view.model = model_build(profile, options->process);
    view.texts = intern_texts(profile);
    bool good = view.model && view.texts && places_find(view.model, &view.places) &&
                sources_open(profile, view.texts, &view.sources) &&
                turnover_open(&view.turnover, profile, options->process, TURNOVER_BY_PLACE);
    if (good && options->about == REPORT_DRAG) {
        good = run_put_drag(&view);
    } else if (good) {
        put_head(&view);
        if (options->about == REPORT_LEAKS)
            put_leaks(&view);
        else if (options->about == REPORT_TEMPORARY)
            put_temporaries(&view);
        else
            put_lifetimes(&view);
    }
    turnover_release(&view.turnover);
    sources_release(&view.sources);
    places_release(&view.places);
    free(view.texts);
    model_free(view.model);
    return good && !ferror(out);
}
