/* See ceilings.h. */
#include "ceilings.h"

#include "viewer/regions.h"

#include <stdlib.h>
#include <string.h>

const char *const judged_names[] = {
    [JUDGED_WITHIN] = "within", [JUDGED_BEYOND] = "beyond", [JUDGED_UNKNOWN] = "unknown"};

const char *const ceiling_kind_names[CEILING_KINDS] = {
    [CEILING_TREE] = "peak",   [CEILING_PROCESS] = "process",    [CEILING_REGION] = "region",
    [CEILING_LEAKS] = "leaks", [CEILING_TURNS] = "region_churn", [CEILING_NATIVE] = "native",
    [CEILING_DRAG] = "drag",   [CEILING_CODE] = "code",          [CEILING_GROWTH] = "growth",
    [CEILING_CHURN] = "churn", [CEILING_DEAD] = "dead",          [CEILING_BASELINE] = "baseline"};

/* -- Names of code -- */

static bool is_name(const char *text, size_t length) {
    if (length == 0 || strspn(text, "0123456789") > 0)
        return false;
    for (size_t i = 0; i < length; i++)
        if (strchr(" \t/\\()=:'\"", text[i]))
            return false;
    return true;
}

/* Dots become slashes; each part is a name. */
static bool take_module(const char *text, size_t length, char *module, size_t size) {
    if (length >= size)
        return false;
    memcpy(module, text, length);
    module[length] = 0;
    for (char *part = module; *part;) {
        size_t part_length = strcspn(part, ".");
        if (!is_name(part, part_length) || (part[part_length] && !part[part_length + 1]))
            return false;
        part += part_length;
        if (*part)
            *part++ = '/';
    }
    return length > 0;
}

bool code_name_parse(const char *text, struct code_name *name) {
    size_t length = strlen(text);
    *name = (struct code_name){.module = ""};
    if (length < 3 || strcmp(text + length - 2, "()") != 0)
        return take_module(text, length, name->module, sizeof name->module);
    length -= 2;
    const char *dot = memrchr(text, '.', length);
    const char *function = dot ? dot + 1 : text;
    size_t function_length = length - (size_t)(function - text);
    if (function_length >= sizeof name->function || !is_name(function, function_length))
        return false;
    memcpy(name->function, function, function_length);
    return !dot || take_module(text, (size_t)(dot - text), name->module, sizeof name->module);
}

/* Whether the parts of `module` follow each other somewhere in the file's path: a module's own
 * file, or one in its folder. */
static bool file_is_of(const char *module, const char *file) {
    size_t length = strlen(module);
    for (const char *at = file; (at = strstr(at, module)) != NULL; at++) {
        const char *end = at + length;
        if ((at == file || at[-1] == '/') &&
            (*end == '/' || (*end == '.' && !strchr(end, '/') && end[1] != 0)))
            return true;
    }
    return false;
}

bool code_name_matches(const struct code_name *name, const char *function, const char *file) {
    return (!name->function[0] || strcmp(name->function, function) == 0) &&
           (!name->module[0] || file_is_of(name->module, file));
}

bool *code_name_subtree(const struct code_name *name, const struct model *model) {
    bool *below = calloc((size_t)model->frame_count + 1, sizeof *below);
    for (uint32_t i = 1; below && i < model->frame_count; i++) {
        const struct model_frame *frame = &model->frames[i];
        below[i] = below[frame->parent] || (frame->kind == FRAME_PYTHON &&
                                            code_name_matches(name, frame->function, frame->file));
    }
    return below;
}

/* -- Judging -- */

static bool is_in_profile(const struct code_name *name, const struct profile *profile) {
    for (uint32_t i = 1; i < profile->function_count; i++)
        if (code_name_matches(name, profile->strings[profile->functions[i].name],
                              profile->strings[profile->functions[i].file]))
            return true;
    return false;
}

/* NULL: there is none. */
static const char *find_warning(const struct profile *profile, const char *words) {
    for (uint32_t i = 0; i < profile->warning_count; i++)
        if (strstr(profile->strings[profile->warnings[i]], words))
            return profile->strings[profile->warnings[i]];
    return NULL;
}

static bool has_warning(const struct profile *profile, const char *words) {
    return find_warning(profile, words) != NULL;
}

/* Some bytes may belong to a function that is not on their stack. */
static bool stacks_are_cut(const struct profile *profile) {
    for (uint32_t i = 0; i < profile->process_count; i++)
        if (profile->processes[i].truncated > 0 || profile->processes[i].flags & PROCESS_NO_STACKS)
            return true;
    return has_warning(profile, PROFILE_STACKS_CUT);
}

static bool judge_code(const struct evidence *evidence, struct judgement *judgement) {
    const struct model *model = evidence->model;
    struct code_name name;
    if (!code_name_parse(judgement->ceiling.subject, &name) ||
        (!is_in_profile(&name, model->profile) && !stacks_are_cut(model->profile))) {
        judgement->why = "nothing of that name allocated memory in this run";
        return true;
    }
    bool *below = code_name_subtree(&name, model);
    for (uint32_t i = 0; below && i < model->site_count; i++)
        judgement->bytes += below[model->sites[i].frame] ? model->sites[i].bytes : 0;
    free(below);
    return below != NULL;
}

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* By any word of its command: the program, its script, its module. */
static bool has_word(const struct profile *profile, const struct profile_process *process,
                     const char *name) {
    for (uint32_t i = 0; i < process->command_count; i++)
        if (strcmp(base_name(profile->strings[process->command[i]]), name) == 0)
            return true;
    return *name == 0;
}

static void judge_process(const struct evidence *evidence, struct judgement *judgement) {
    const struct profile *profile = evidence->model->profile;
    bool found = false;
    for (uint32_t i = 0; i < profile->process_count; i++) {
        const struct profile_process *process = &profile->processes[i];
        if (!has_word(profile, process, judgement->ceiling.subject))
            continue;
        found = true;
        if (process->peak_bytes > judgement->bytes)
            judgement->bytes = process->peak_bytes;
    }
    if (!found)
        judgement->why = "no process with that word in its command was traced";
}

#define NO_SUCH_REGION "the program marked no region of that name"

/* The highest peak. */
static void judge_region(const struct evidence *evidence, struct judgement *judgement) {
    const struct profile *profile = evidence->model->profile;
    bool found = false;
    for (uint32_t i = 0; i < profile->region_count; i++) {
        const struct profile_region *region = &profile->regions[i];
        if (strcmp(profile->strings[region->name], judgement->ceiling.subject) != 0)
            continue;
        found = true;
        if (region->peak_bytes > judgement->bytes)
            judgement->bytes = region->peak_bytes;
    }
    if (!found)
        judgement->why = NO_SUCH_REGION;
}

bool ceiling_counts_in_its_like(const struct profile *profile,
                                const struct profile_region *region) {
    for (uint32_t at = region->parent; at; at = profile->regions[at - 1].parent)
        if (strcmp(profile->strings[profile->regions[at - 1].name],
                   profile->strings[region->name]) == 0)
            return true;
    return false;
}

/* As much as there is of numbers. */
static void add_bytes(uint64_t *sum, uint64_t bytes) {
    if (__builtin_add_overflow(*sum, bytes, sum))
        *sum = UINT64_MAX;
}

/* All that was left behind; what was given back before; native blocks that never were; how long big
 * ones lay untouched. */
static uint64_t region_bytes(const struct profile *profile, const struct profile_region *region,
                             enum ceiling_kind kind) {
    if (kind == CEILING_LEAKS)
        return region->all_kept_bytes;
    if (kind == CEILING_DRAG)
        return profile_untouched(region->byte_seconds);
    if (kind == CEILING_NATIVE)
        return regions_ended_in_exec(profile, region->process) ? 0 : region->exit_native_bytes;
    return regions_churn(region);
}

/* One that never ended may have had only what it was still to give back. */
static void judge_regions(const struct evidence *evidence, struct judgement *judgement) {
    const struct profile *profile = evidence->model->profile;
    bool leaks = judgement->ceiling.kind == CEILING_LEAKS, found = false;
    uint64_t open = 0;
    for (uint32_t i = 0; i < profile->region_count; i++) {
        const struct profile_region *region = &profile->regions[i];
        if (strcmp(profile->strings[region->name], judgement->ceiling.subject) != 0 ||
            ceiling_counts_in_its_like(profile, region))
            continue;
        found = true;
        add_bytes(&judgement->bytes, region_bytes(profile, region, judgement->ceiling.kind));
        add_bytes(&open, region->unclosed && leaks ? region->all_kept_bytes : 0);
    }
    if (!found)
        judgement->why = NO_SUCH_REGION;
    else if (judgement->bytes > judgement->ceiling.bytes &&
             judgement->bytes - open <= judgement->ceiling.bytes)
        judgement->why = "a region of that name was not ended: what it had then may be no leak";
}

static void judge_growth(const struct evidence *evidence, struct judgement *judgement) {
    const struct profile *profile = evidence->model->profile;
    for (uint32_t i = 0; i < profile->process_count; i++)
        add_bytes(&judgement->bytes,
                  regions_ended_in_exec(profile, i) ? 0 : profile->processes[i].end_bytes);
}

static void judge_churn(const struct evidence *evidence, struct judgement *judgement) {
    const struct profile *profile = evidence->model->profile;
    for (uint32_t i = 0; i < profile->site_count; i++)
        if (profile->sites[i].total_bytes > profile->sites[i].end_bytes)
            add_bytes(&judgement->bytes,
                      profile->sites[i].total_bytes - profile->sites[i].end_bytes);
}

static bool measure(const struct evidence *evidence, struct judgement *judgement) {
    switch (judgement->ceiling.kind) {
    case CEILING_PROCESS:
        judge_process(evidence, judgement);
        return true;
    case CEILING_REGION:
        judge_region(evidence, judgement);
        return true;
    case CEILING_LEAKS:
    case CEILING_TURNS:
    case CEILING_NATIVE:
    case CEILING_DRAG:
        judge_regions(evidence, judgement);
        return true;
    case CEILING_CODE:
        return judge_code(evidence, judgement);
    case CEILING_GROWTH:
        judge_growth(evidence, judgement);
        return true;
    case CEILING_CHURN:
        judge_churn(evidence, judgement);
        return true;
    case CEILING_DEAD:
        judgement->bytes = evidence->dead_bytes;
        if (!evidence->dead_known)
            judgement->why = "no snapshot of the references was taken";
        return true;
    default:
        judgement->bytes = evidence->model->bytes;
        return true;
    }
}

/* Of a process, or of its threads (wire/profile.h). */
static bool was_not_followed(const struct profile *profile) {
    return has_warning(profile, PROFILE_NOT_FOLLOWED) ||
           has_warning(profile, PROFILE_NOT_IN_HERE) || has_warning(profile, PROFILE_MORE_THREADS);
}

/* As evidence_missing(), of what is gone for good: no event of it is still to come. */
static const char *evidence_lost(const struct profile *profile) {
    uint64_t dropped = 0;
    uint32_t flags = 0;
    for (uint32_t i = 0; i < profile->process_count; i++) {
        dropped |= profile->processes[i].dropped;
        flags |= profile->processes[i].flags;
    }
    if (dropped > 0)
        return "some events could not be recorded";
    if (flags & PROCESS_DAMAGED)
        return "a process wrote over its records, and what followed is missing";
    return was_not_followed(profile) ? "some processes or threads could not be followed" : NULL;
}

const char *evidence_missing(const struct profile *profile) {
    const char *lost = evidence_lost(profile);
    bool running = !profile->complete;
    for (uint32_t i = 0; i < profile->process_count; i++)
        running |= (profile->processes[i].flags & PROCESS_RUNNING) != 0;
    if (lost || !running)
        return lost;
    return "processes went on running after the profile was written (judge it again when they "
           "have ended)";
}

/* Of the processes with such regions: whether they were looked at, and all big blocks of theirs.
 * What nobody saw may all have lain untouched: one look anywhere says nothing of it. */
static const char *drag_doubt(const struct profile *profile, const struct judgement *judgement) {
    uint64_t most = judgement->bytes;
    const char *refused = find_warning(profile, PROFILE_NO_LOOKS);
    for (uint32_t i = 0; i < profile->region_count; i++) {
        const struct profile_region *region = &profile->regions[i];
        const struct profile_process *process = &profile->processes[region->process];
        if (strcmp(profile->strings[region->name], judgement->ceiling.subject) != 0 ||
            ceiling_counts_in_its_like(profile, region))
            continue;
        if (refused)
            return refused;
        if (!(process->flags & PROCESS_DRAG))
            return PROFILE_NO_LOOKS
                ": that takes holdfast run --drag -- COMMAND, or holdfast check with a command";
        if (process->drag_left_out > 0)
            return "too many big blocks lived at a time: some were not followed";
        add_bytes(&most, region->byte_seconds[PHASE_UNSEEN]);
    }
    return most > judgement->ceiling.bytes
               ? "some big blocks were gone before anybody looked at them"
               : NULL;
}

/* Why what is not above the ceiling is not within it either; NULL: it is. */
static const char *doubt(const struct evidence *evidence, const struct judgement *judgement) {
    const struct ceiling *ceiling = &judgement->ceiling;
    enum ceiling_kind kind = ceiling->kind;
    if (evidence->missing)
        return evidence->missing;
    if (kind == CEILING_CODE && evidence->model->bytes > ceiling->bytes &&
        stacks_are_cut(evidence->model->profile))
        return "some stacks were cut, or are not known: more may have been allocated there";
    if (ceiling_is_of_region(kind) &&
        has_warning(evidence->model->profile, PROFILE_REGIONS_LEFT_OUT))
        return "some regions were left out";
    if (kind == CEILING_DRAG)
        return drag_doubt(evidence->model->profile, judgement);
    return kind == CEILING_DEAD && !evidence->dead_whole
               ? "not every process has a snapshot near its peak that could be analysed"
               : NULL;
}

/* Why what is above the ceiling may not be beyond it; NULL: it is. What was not given back is more
 * than there is where frees are missing, or still to come; what lay untouched is, where a touch is
 * still to come, or the block is long gone. What a region left behind is so at its end, whatever a
 * process does after that. */
static const char *excess_doubt(const struct evidence *evidence, enum ceiling_kind kind) {
    if (kind == CEILING_LEAKS)
        return evidence_lost(evidence->model->profile);
    return kind == CEILING_NATIVE || kind == CEILING_GROWTH || kind == CEILING_DRAG
               ? evidence->missing
               : NULL;
}

bool ceiling_judge(const struct ceiling *ceiling, const struct evidence *evidence,
                   struct judgement *judgement) {
    *judgement = (struct judgement){.ceiling = *ceiling};
    if (!measure(evidence, judgement))
        return false;
    bool above = judgement->bytes > ceiling->bytes;
    if (!judgement->why)
        judgement->why = above ? excess_doubt(evidence, ceiling->kind) : doubt(evidence, judgement);
    judgement->judged = judgement->why ? JUDGED_UNKNOWN : above ? JUDGED_BEYOND : JUDGED_WITHIN;
    return true;
}
