/* How long big blocks lay untouched, as text: by place, the user's line that asked for them. */
#include "drags.h"
#include "format.h"
#include "run_text.h"
#include "text.h"

#include <inttypes.h>
#include <string.h>

/* "28.8 MiB s": bytes times seconds. */
static void put_byte_seconds(FILE *out, uint64_t byte_seconds) {
    fprintf(out, "%s s", format_bytes(byte_seconds).text);
}

static const char *const phase_texts[PROFILE_PHASES] = {[PHASE_LAG] = "before the first touch",
                                                        [PHASE_USE] = "in use",
                                                        [PHASE_DRAG] = "after the last touch",
                                                        [PHASE_VOID] = "never seen touched",
                                                        [PHASE_UNSEEN] = "that nobody looked at"};

/* "14.4 MiB s in use, 28.8 MiB s after the last touch (1.2 s at most)" */
static void put_phases(FILE *out, const struct profile_drag *sums) {
    const char *before = "";
    for (unsigned i = 0; i < PROFILE_PHASES; i++) {
        if (sums->byte_seconds[i] == 0)
            continue;
        fputs(before, out);
        put_byte_seconds(out, sums->byte_seconds[i]);
        fprintf(out, " %s", phase_texts[i]);
        if (i == PHASE_DRAG && sums->longest_ns > 0)
            fprintf(out, " (%s at most)", format_time(sums->longest_ns).text);
        before = ", ";
    }
    fputc('\n', out);
}

static uint64_t blocks_of(const struct profile_drag *sums) {
    return sums->blocks[PHASE_USE] + sums->blocks[PHASE_VOID] + sums->blocks[PHASE_UNSEEN];
}

static void put_row(const struct run_view *view, const struct drags_row *row, uint64_t all) {
    const struct profile_drag *sums = &row->sums;
    uint64_t waste = drags_waste(sums), blocks = blocks_of(sums);
    fprintf(view->out, "  %10s s %7s  %s of %s on average\n", format_bytes(waste).text,
            format_percent(waste, all).text, format_count(blocks, "block").text,
            format_bytes(sums->bytes / (blocks ? blocks : 1)).text);
    run_put_place(view, sums->node);
    fputs("      ", view->out);
    put_phases(view->out, sums);
}

/* What is smaller than a hundredth is not worth its lines. */
static void put_rows(const struct run_view *view, const struct drags *list) {
    uint64_t all = drags_waste(&list->sums), rest = all;
    uint32_t shown = 0, others = 0;
    for (; shown < list->count && shown < PLACES_SHOWN; shown++) {
        uint64_t waste = drags_waste(&list->rows[shown].sums);
        if (waste == 0 || (shown > 0 && waste < all / 100))
            break;
        put_row(view, &list->rows[shown], all);
        rest -= waste;
    }
    for (uint32_t i = shown; i < list->count; i++)
        others += drags_waste(&list->rows[i].sums) > 0;
    if (others == 0)
        return;
    fprintf(view->out, "  and %s, together ", format_count(others, "other place").text);
    put_byte_seconds(view->out, rest);
    fputc('\n', view->out);
}

static void put_head(const struct run_view *view, const struct drags *list) {
    fputs("holdfast: big blocks lay untouched for ", view->out);
    put_byte_seconds(view->out, drags_waste(&list->sums));
    fprintf(view->out, ", %s of the ",
            format_percent(drags_waste(&list->sums), drags_lived(&list->sums)).text);
    put_byte_seconds(view->out, drags_lived(&list->sums));
    fputs(" that they lived\n  ", view->out);
    text_put_command(view->out, view->profile, view->profile->command, view->profile->command_count,
                     view->options->width - 2);
    fputs("\n\n", view->out);
}

/* How far the figures can be trusted. */
static void put_looks(const struct run_view *view, const struct drags *list) {
    fprintf(view->out, "\n  %s at what was touched", format_count(list->looks, "look").text);
    if (list->pace_ns > 0)
        fprintf(view->out, ", one every %s: nothing shorter is seen",
                format_time(list->pace_ns).text);
    fputc('\n', view->out);
    if (list->left_out > 0)
        fprintf(view->out, "  %s could not be followed: too many lived at a time\n",
                format_count(list->left_out, "other big block").text);
}

static void put_unknown(const struct run_view *view) {
    const struct profile *profile = view->profile;
    bool told = false;
    for (uint32_t i = 0; i < profile->warning_count; i++) {
        const char *warning = profile->strings[profile->warnings[i]];
        if (strncmp(warning, PROFILE_NO_LOOKS, sizeof PROFILE_NO_LOOKS - 1) != 0)
            continue;
        fputs("  ", view->out);
        format_escaped(view->out, warning, "", 0);
        fputc('\n', view->out);
        told = true;
    }
    if (!told)
        fputs("  When big blocks were touched is not known: holdfast run --drag looks at that\n",
              view->out);
}

/* Of a region sums are known, and the place that had most. What its process's big blocks had
 * besides is not its own. */
static void put_region(const struct run_view *view, struct drags *list) {
    const struct profile_region *region = view->options->region_drag;
    memcpy(list->sums.byte_seconds, region->byte_seconds, sizeof list->sums.byte_seconds);
    put_head(view, list);
    fputs("  in region ", view->out);
    format_escaped(view->out, view->options->region, "", 0);
    fputs(", while it was open", view->out);
    if (drags_lived(&list->sums) == 0) {
        fputs(": no big block was allocated in it that lived for long enough\n", view->out);
    } else {
        fputs("\n      ", view->out);
        put_phases(view->out, &list->sums);
    }
    if (region->drag_node) {
        fprintf(view->out, "  most of what lay untouched, %s s:\n",
                format_bytes(region->drag_node_byte_seconds).text);
        run_put_place(view, region->drag_node);
    }
    put_looks(view, list);
}

bool run_put_drag(const struct run_view *view) {
    struct drags list;
    bool good = drags_open(&list, view->profile, view->options->process, DRAGS_BY_PLACE);
    if (good && view->options->region_drag) {
        put_region(view, &list);
    } else if (good && (view->options->region || (!list.followed && list.count == 0))) {
        put_unknown(view);
    } else if (good) {
        put_head(view, &list);
        fputs("  lay untouched, by place: before the first touch, after the last, or always\n",
              view->out);
        put_rows(view, &list);
        put_looks(view, &list);
        if (!list.followed)
            put_unknown(view);
    }
    drags_release(&list);
    return good;
}
