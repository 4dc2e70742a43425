/* See stretches.h. */
#include "stretches.h"

#include "memory.h"
#include "stretches_rows.h"
#include "trace.h"

static struct stretches *stretches_of(struct trace *trace, struct image *image) {
    struct stretches *stretches = image->stretches;
    if (stretches)
        return stretches;
    stretches = calloc(1, sizeof *stretches);
    if (!stretches)
        return NULL;
    if (!array_reserve(&stretches->scopes, &stretches->scope_capacity, 1,
                       sizeof *stretches->scopes) ||
        !array_reserve(&stretches->threads, &stretches->thread_capacity, 1,
                       sizeof *stretches->threads)) {
        stretches_release(stretches);
        return NULL;
    }
    stretches->stacks = &trace->stacks;
    stretches->threads[0].thread = STRETCH_EVERYBODY;
    stretches->scope_count = stretches->thread_count = 1;
    return image->stretches = stretches;
}

static void forget_stretch(struct stretch *stretch) {
    free(stretch->scopes);
    free(stretch->drag);
    *stretch = (struct stretch){0};
}

void stretches_release(struct stretches *stretches) {
    if (!stretches)
        return;
    for (uint32_t i = 0; i < stretches->count; i++)
        forget_stretch(&stretches->list[i]);
    for (uint32_t i = 0; i < stretches->scope_count; i++)
        free(stretches->scopes[i].sites);
    for (uint32_t i = 0; i < stretches->row_count; i++) {
        free(stretches->rows[i].name);
        free(stretches->rows[i].sites);
        free(stretches->rows[i].drag);
    }
    index_release(&stretches->row_index);
    free(stretches->list);
    free(stretches->scopes);
    free(stretches->sites);
    free(stretches->rows);
    free(stretches->threads);
    free(stretches->idle);
    free(stretches);
}

/* Threads */

static struct stretch_thread *find_thread(struct stretches *stretches, int64_t thread) {
    for (uint32_t i = 0; i < stretches->thread_count; i++)
        if (stretches->threads[i].thread == thread)
            return &stretches->threads[i];
    return NULL;
}

static struct stretch_thread *add_thread(struct stretches *stretches, int64_t thread) {
    struct stretch_thread *found = find_thread(stretches, thread);
    if (found)
        return found;
    if (!array_reserve(&stretches->threads, &stretches->thread_capacity,
                       (uint64_t)stretches->thread_count + 1, sizeof *stretches->threads))
        return NULL;
    found = &stretches->threads[stretches->thread_count++];
    *found = (struct stretch_thread){.thread = thread};
    return found;
}

/* Who has none open needs no entry. */
static void drop_thread(struct stretches *stretches, struct stretch_thread *thread) {
    if (thread->depth == 0 && thread != &stretches->threads[0])
        *thread = stretches->threads[--stretches->thread_count];
}

/* One that has read nothing yet has no list. */
static void forget_sites(struct reader *reader) {
    for (uint32_t i = 0; reader->nodes && i < reader->node_count; i++)
        memset(reader->nodes[i].site, 0, sizeof reader->nodes[i].site);
    reader->filled_count = 0;
}

static void forget_filled_sites(struct reader *reader) {
    for (uint32_t i = 0; i < reader->filled_count; i++)
        memset(reader->nodes[reader->filled[i]].site, 0, sizeof reader->nodes[0].site);
    reader->filled_count = 0;
}

/* Which sites allocations go to is looked up anew. */
static void scopes_change(struct image *image, bool first) {
    struct stretches *stretches = image->stretches;
    for (uint32_t i = 0; i < stretches->thread_count; i++)
        stretches->threads[i].known = false;
    for (uint32_t r = 0; r < image->region_count; r++)
        for (uint32_t i = 0; i < image->regions[r].reader_count; i++)
            (first ? forget_sites : forget_filled_sites)(&image->regions[r].readers[i]);
}

/* Scopes */

static uint32_t new_scope(struct stretches *stretches) {
    uint32_t number = stretches->free_scope;
    if (number) {
        stretches->free_scope = stretches->scopes[number].next_free;
        return number;
    }
    if (!array_reserve(&stretches->scopes, &stretches->scope_capacity,
                       (uint64_t)stretches->scope_count + 1, sizeof *stretches->scopes))
        return 0;
    return stretches->scope_count++;
}

/* Makes room for one more scope of a stretch. Numbers of scopes that it has left, or that are there
 * again since they were used again, go first: a long stretch has as many as are in use, however
 * often others are passed inside of it. */
static bool reserve_scope(struct stretches *stretches, uint32_t place) {
    struct stretch *stretch = &stretches->list[place];
    if (stretch->scope_count < stretch->scope_capacity)
        return true;
    uint32_t kept = 0, stamp = ++stretches->stamp;
    for (uint32_t i = 0; i < stretch->scope_count; i++) {
        struct scope *scope = &stretches->scopes[stretch->scopes[i]];
        if (scope->stamp == stamp || scope_find(scope, place) == STRETCH_DEPTH)
            continue;
        scope->stamp = stamp;
        stretch->scopes[kept++] = stretch->scopes[i];
    }
    stretch->scope_count = kept;
    return kept < stretch->scope_capacity / 2 ||
           array_reserve(&stretch->scopes, &stretch->scope_capacity,
                         (uint64_t)stretch->scope_capacity * 2 + 1, sizeof *stretch->scopes);
}

/* 0 when memory ran out. */
static uint32_t make_scope(struct stretches *stretches, const uint32_t open[STRETCH_DEPTH],
                           uint32_t depth) {
    uint32_t number = new_scope(stretches);
    if (!number)
        return 0;
    struct scope scope = {.used = true};
    memcpy(scope.stretches, open, sizeof scope.stretches);
    for (uint32_t i = 0; i < depth; i++)
        scope.rows[i] = stretches->list[open[i] - 1].row + 1;
    stretches->scopes[number] = scope;
    for (uint32_t i = 0; i < depth; i++) {
        struct stretch *stretch = &stretches->list[open[i] - 1];
        if (!reserve_scope(stretches, open[i] - 1))
            return 0;
        stretch->scopes[stretch->scope_count++] = number;
    }
    return number;
}

/* One in which none has ended: its sites may hold what was allocated in that. */
static bool is_scope_of(const struct scope *scope, const uint32_t open[STRETCH_DEPTH],
                        uint32_t depth) {
    static const uint32_t none[STRETCH_DEPTH];
    return scope->used && memcmp(scope->stretches, open, sizeof scope->stretches) == 0 &&
           memcmp(scope->rows + depth, none, (STRETCH_DEPTH - depth) * sizeof *none) == 0;
}

/* A long stretch has a scope for each that ended inside of it and left something: too many to look
 * through. One that is not found among those used last is made again, which does no harm. */
static uint32_t own_scope(struct stretches *stretches, const uint32_t open[STRETCH_DEPTH],
                          uint32_t depth) {
    uint32_t *own = stretches->list[open[depth - 1] - 1].own;
    uint32_t at = 0;
    while (at < STRETCH_OWN_SCOPES && own[at] &&
           !is_scope_of(&stretches->scopes[own[at]], open, depth))
        at++;
    bool found = at < STRETCH_OWN_SCOPES && own[at];
    uint32_t number = found ? own[at] : make_scope(stretches, open, depth);
    if (at == STRETCH_OWN_SCOPES)
        at--;
    if (number) {
        memmove(own + 1, own, at * sizeof *own);
        own[0] = number;
    }
    return number;
}

static uint32_t find_scope(struct stretches *stretches, const struct stretch_thread *thread) {
    const struct stretch_thread *everybody = &stretches->threads[0];
    uint32_t open[STRETCH_DEPTH] = {0}, depth = 0;
    for (uint32_t i = 0; i < everybody->depth && depth < STRETCH_DEPTH; i++)
        open[depth++] = everybody->open[i];
    for (uint32_t i = 0; thread != everybody && i < thread->depth && depth < STRETCH_DEPTH; i++)
        open[depth++] = thread->open[i];
    return depth ? own_scope(stretches, open, depth) : 0;
}

static uint32_t scope_of_thread(struct stretches *stretches, int64_t position) {
    struct stretch_thread *thread = find_thread(stretches, position);
    if (!thread)
        thread = &stretches->threads[0];
    if (!thread->known)
        thread->scope = find_scope(stretches, thread);
    thread->known = true;
    return thread->scope;
}

static void scope_is_idle(struct stretches *stretches, uint32_t number) {
    struct scope *scope = &stretches->scopes[number];
    if (scope->idle || !array_reserve(&stretches->idle, &stretches->idle_capacity,
                                      (uint64_t)stretches->idle_count + 1, sizeof(uint32_t)))
        return;
    scope->idle = true;
    stretches->idle[stretches->idle_count++] = number;
}

/* Only while no thread knows its scope. */
static void release_idle_scopes(struct stretches *stretches) {
    for (uint32_t i = 0; i < stretches->idle_count; i++) {
        struct scope *scope = &stretches->scopes[stretches->idle[i]];
        scope->idle = false;
        if (scope->users)
            continue;
        free(scope->sites);
        *scope = (struct scope){.next_free = stretches->free_scope};
        stretches->free_scope = stretches->idle[i];
    }
    stretches->idle_count = 0;
}

/* Sites */

/* Leaves out the sites that have left, and what is there twice. */
static void compact(struct stretches *stretches, uint32_t number) {
    struct scope *scope = &stretches->scopes[number];
    uint32_t kept = 0, stamp = ++stretches->stamp;
    for (uint32_t i = 0; i < scope->site_count; i++) {
        struct scoped_site *site = &stretches->sites[scope->sites[i]];
        if (site->scope != number || site->stamp == stamp)
            continue;
        site->stamp = stamp;
        scope->sites[kept++] = scope->sites[i];
    }
    scope->site_count = kept;
}

static bool enter_scope(struct stretches *stretches, uint32_t site, uint32_t number) {
    struct scope *scope = &stretches->scopes[number];
    if (scope->site_count > 2 * scope->users + 64)
        compact(stretches, number);
    if (!array_reserve(&scope->sites, &scope->site_capacity, (uint64_t)scope->site_count + 1,
                       sizeof *scope->sites))
        return false;
    scope->sites[scope->site_count++] = site;
    scope->users++;
    struct scoped_site *scoped = &stretches->sites[site];
    struct scope *before = &stretches->scopes[scoped->scope];
    for (uint32_t i = 0; i < STRETCH_DEPTH; i++)
        if (before->stretches[i] != scope->stretches[i])
            scoped->at_peak[i] = (struct site_value){0};
    if (scoped->scope && --before->users == 0)
        scope_is_idle(stretches, scoped->scope);
    scoped->scope = number;
    return true;
}

/* What is still open of the site's scope is open in the other one, too, at the same place. */
static bool can_enter(const struct stretches *stretches, uint32_t site, uint32_t number) {
    const struct scope *from = &stretches->scopes[stretches->sites[site].scope],
                       *to = &stretches->scopes[number];
    for (uint32_t i = 0; i < STRETCH_DEPTH; i++)
        if (from->stretches[i] && from->stretches[i] != to->stretches[i])
            return false;
    return true;
}

/* A site that is in the scope, or can be. INDEX_NONE: there is none among the first. */
static uint32_t usable_site(struct image *image, uint32_t base, uint32_t scope) {
    struct stretches *stretches = image->stretches;
    uint32_t empty = INDEX_NONE, looked = 0;
    for (uint32_t at = stretches->sites[base].next; at && looked < STRETCH_DEPTH + 8; looked++) {
        uint32_t site = at - 1;
        if (stretches->sites[site].scope == scope)
            return site;
        if (image->sites.list[site].blocks == 0 && can_enter(stretches, site, scope))
            empty = site;
        at = stretches->sites[site].next;
    }
    if (empty != INDEX_NONE && !enter_scope(stretches, empty, scope))
        return INDEX_NONE;
    return empty;
}

static uint32_t add_site(struct image *image, uint32_t base, uint32_t scope) {
    struct stretches *stretches = image->stretches;
    uint32_t site = sites_add_twin(&image->sites, base);
    if (site == INDEX_NONE || !array_reserve(&stretches->sites, &stretches->site_capacity,
                                             image->sites.count, sizeof *stretches->sites))
        return INDEX_NONE;
    stretches->sites[site].next = stretches->sites[base].next;
    stretches->sites[base].next = site + 1;
    return enter_scope(stretches, site, scope) ? site : INDEX_NONE;
}

int64_t stretches_thread_of(const struct stacks *stacks, uint32_t node) {
    for (; node; node = stacks->nodes[node].parent)
        if (stacks->nodes[node].code == STACK_THREAD)
            return stacks->nodes[node].position;
    return STRETCH_EVERYBODY;
}

uint32_t stretches_site(struct image *image, uint32_t base, uint32_t node) {
    struct stretches *stretches = image->stretches;
    if (!array_reserve(&stretches->sites, &stretches->site_capacity, image->sites.count,
                       sizeof *stretches->sites))
        return INDEX_NONE;
    uint32_t scope = scope_of_thread(stretches, stretches_thread_of(stretches->stacks, node));
    if (scope == 0)
        return base;
    uint32_t site = usable_site(image, base, scope);
    return site != INDEX_NONE ? site : add_site(image, base, scope);
}

void stretches_change(struct stretches *stretches, const struct sites *sites, uint32_t number,
                      uint64_t change, uint64_t seq, uint64_t now_ns) {
    if (number >= stretches->site_capacity || stretches->sites[number].scope == 0)
        return;
    struct scoped_site *scoped = &stretches->sites[number];
    const struct scope *scope = &stretches->scopes[scoped->scope];
    uint64_t changed = site_changed(sites, &sites->list[number]);
    for (uint32_t i = 0; i < STRETCH_DEPTH; i++) {
        if (!scope->stretches[i])
            continue;
        struct stretch *stretch = &stretches->list[scope->stretches[i] - 1];
        if (changed <= stretch->peak_seq)
            scoped->at_peak[i] = site_live(sites, number);
        stretch->live += change;
        stretch->made += (int64_t)change > 0 ? change : 0;
        if ((int64_t)change <= 0 || stretch->live <= stretch->peak)
            continue;
        stretch->peak = stretch->live;
        stretch->peak_seq = seq;
        stretch->peak_ns = now_ns;
    }
}

/* Begin and end */

void stretches_settle(struct image *image) {
    struct stretches *stretches = image->stretches;
    struct totals *totals = &image->totals;
    totals_settle(totals);
    for (uint32_t i = 0; i < stretches->count; i++) {
        struct stretch *stretch = &stretches->list[i];
        if (stretch->number && totals->stretch_highest > stretch->process_peak)
            stretch->process_peak = totals->stretch_highest;
    }
    totals->stretch_highest = totals->live;
}

static uint32_t new_stretch(struct stretches *stretches) {
    for (uint32_t i = 0; i < stretches->count; i++)
        if (!stretches->list[i].number)
            return i;
    if (!array_reserve(&stretches->list, &stretches->capacity, (uint64_t)stretches->count + 1,
                       sizeof *stretches->list))
        return INDEX_NONE;
    return stretches->count++;
}

static bool is_open_in(const struct stretches *stretches, const struct stretch_thread *thread,
                       uint32_t row) {
    for (uint32_t i = 0; i < thread->depth; i++)
        if (stretches->list[thread->open[i] - 1].row == row)
            return true;
    return false;
}

/* Whether a thread is in a row, and in all that this is inside of. */
static bool is_open(const struct stretches *stretches, const struct stretch_thread *thread,
                    uint32_t row) {
    for (uint32_t at = row + 1; at; at = stretches->rows[at - 1].parent)
        if (!is_open_in(stretches, thread, at - 1) &&
            !is_open_in(stretches, &stretches->threads[0], at - 1))
            return false;
    return true;
}

static uint32_t innermost_row(const struct stretches *stretches,
                              const struct stretch_thread *thread,
                              const struct stretch_thread *from) {
    for (uint32_t i = from->depth; i-- > 0;) {
        uint32_t row = stretches->list[from->open[i] - 1].row;
        if (is_open(stretches, thread, row))
            return row + 1;
    }
    return 0;
}

/* The row of the innermost one that is open there, + 1. One whose outer ones have ended meanwhile
 * is none: if it were, stretches that cross each other for ever would be one row deeper each time.
 * So rows are never deeper than stretches are. */
static uint32_t parent_row(const struct stretches *stretches, const struct stretch_thread *thread) {
    uint32_t row = innermost_row(stretches, thread, thread);
    return row ? row : innermost_row(stretches, thread, &stretches->threads[0]);
}

/* Whether one more can be followed. */
static bool has_room(const struct stretches *stretches, const struct stretch_thread *owner) {
    uint32_t others = owner == &stretches->threads[0] ? 0 : stretches->threads[0].depth;
    uint32_t open = 0;
    for (uint32_t i = 0; i < stretches->count; i++)
        open += stretches->list[i].number != 0;
    return owner->depth + others < STRETCH_DEPTH && open < STRETCHES_MAX;
}

/* False: it is left out. */
static bool begin(struct trace *trace, struct image *image, uint32_t number,
                  struct stretch_thread *owner, const char *name, size_t name_size) {
    struct stretches *stretches = image->stretches;
    if (number == 0 || !has_room(stretches, owner))
        return false;
    stretches_settle(image);
    uint32_t place = new_stretch(stretches);
    if (place == INDEX_NONE)
        return false;
    uint32_t row = stretches_row(stretches, parent_row(stretches, owner), name, name_size);
    if (row == INDEX_NONE)
        return false;
    stretches->list[place] = (struct stretch){.number = number,
                                              .row = row,
                                              .thread = owner->thread,
                                              .begin_ns = trace->now_ns,
                                              .peak_ns = trace->now_ns,
                                              .begin_seq = trace->seq,
                                              .peak_seq = trace->seq,
                                              .begin_moment = moments_now(&image->moments),
                                              .process_begin = image->totals.live,
                                              .process_peak = image->totals.live};
    owner->open[owner->depth++] = place + 1;
    return true;
}

void stretches_begin(struct trace *trace, struct image *image, uint32_t number, int64_t thread,
                     const char *name, size_t name_size) {
    bool first = !image->stretches;
    struct stretches *stretches = stretches_of(trace, image);
    struct stretch_thread *owner = stretches ? add_thread(stretches, thread) : NULL;
    bool begun = owner && begin(trace, image, number, owner, name, name_size);
    image->stretches_left_out += !begun;
    if (owner && !begun)
        drop_thread(stretches, owner);
    if (begun || (first && stretches))
        scopes_change(image, first);
}

static void close_in_thread(struct stretches *stretches, const struct stretch *stretch,
                            uint32_t place) {
    struct stretch_thread *owner = find_thread(stretches, stretch->thread);
    uint32_t kept = 0;
    for (uint32_t i = 0; owner && i < owner->depth; i++)
        if (owner->open[i] != place + 1)
            owner->open[kept++] = owner->open[i];
    if (owner) {
        owner->depth = kept;
        drop_thread(stretches, owner);
    }
}

static void leave_scopes(struct stretches *stretches, struct stretch *stretch, uint32_t place) {
    for (uint32_t i = 0; i < stretch->scope_count; i++) {
        uint32_t number = stretch->scopes[i];
        struct scope *scope = &stretches->scopes[number];
        if (scope_find(scope, place) == STRETCH_DEPTH)
            continue;
        for (uint32_t k = 0; k < STRETCH_DEPTH; k++)
            if (scope->stretches[k] == place + 1) {
                scope->stretches[k] = 0;
                scope->rows[k] = stretch->cut ? 0 : scope->rows[k];
            }
        if (scope->users == 0)
            scope_is_idle(stretches, number);
    }
}

static void end_at(struct trace *trace, struct image *image, uint32_t place, bool closed) {
    struct stretches *stretches = image->stretches;
    struct stretch *stretch = &stretches->list[place];
    stretches_settle(image);
    stretches_take(trace, image, place, closed);
    leave_scopes(stretches, stretch, place);
    close_in_thread(stretches, stretch, place);
    scopes_change(image, false);
    release_idle_scopes(stretches);
    forget_stretch(stretch);
}

/* The place of the stretch that the program calls so. INDEX_NONE: there is none. */
static uint32_t find_stretch(const struct stretches *stretches, uint32_t number) {
    for (uint32_t i = 0; number && stretches && i < stretches->count; i++)
        if (stretches->list[i].number == number)
            return i;
    return INDEX_NONE;
}

void stretches_end(struct trace *trace, struct image *image, uint32_t number) {
    uint32_t place = find_stretch(image->stretches, number);
    if (place != INDEX_NONE)
        end_at(trace, image, place, true);
    else
        stretches_tell_left_out(image, number);
    stretches_tell_ended(image);
}

/* Pauses */

void stretches_pause(struct image *image, uint32_t number) {
    struct stretches *stretches = image->stretches;
    uint32_t place = find_stretch(stretches, number);
    if (place == INDEX_NONE || stretches->list[place].thread == STRETCH_EVERYBODY)
        return;
    close_in_thread(stretches, &stretches->list[place], place);
    scopes_change(image, false);
}

/* Opens it in the thread's list, where there is room. */
static bool reopen(struct stretches *stretches, uint32_t place, int64_t thread) {
    struct stretch_thread *owner = add_thread(stretches, thread);
    if (!owner)
        return false;
    if (owner->depth + stretches->threads[0].depth >= STRETCH_DEPTH) {
        drop_thread(stretches, owner);
        return false;
    }
    stretches->list[place].thread = thread;
    owner->open[owner->depth++] = place + 1;
    return true;
}

void stretches_resume(struct image *image, uint32_t number, int64_t thread) {
    struct stretches *stretches = image->stretches;
    uint32_t place = find_stretch(stretches, number);
    if (place == INDEX_NONE || stretches->list[place].thread == STRETCH_EVERYBODY ||
        thread == STRETCH_EVERYBODY)
        return;
    close_in_thread(stretches, &stretches->list[place], place);
    if (!reopen(stretches, place, thread)) {
        image->stretches_left_out += !stretches->list[place].cut;
        stretches->list[place].cut = true;
    }
    scopes_change(image, false);
}

void stretches_end_all(struct trace *trace, struct image *image) {
    struct stretches *stretches = image->stretches;
    for (uint32_t i = stretches ? stretches->count : 0; i-- > 0;)
        if (stretches->list[i].number)
            end_at(trace, image, i, false);
}
