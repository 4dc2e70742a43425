/* See stretches_rows.h. */
#include "stretches_rows.h"

#include "memory.h"
#include "trace.h"

struct row_key {
    uint32_t parent;
    const char *name;
    size_t size;
};

static bool row_equal(const void *owner, uint32_t number, const void *key) {
    const struct stretch_row *row = &((const struct stretches *)owner)->rows[number];
    const struct row_key *wanted = key;
    return row->parent == wanted->parent && strlen(row->name) == wanted->size &&
           memcmp(row->name, wanted->name, wanted->size) == 0;
}

static uint64_t hash_of(uint32_t parent, const char *name, size_t size) {
    return hash_bytes(name, size, parent);
}

static uint64_t row_hash(const void *owner, uint32_t number) {
    const struct stretch_row *row = &((const struct stretches *)owner)->rows[number];
    return hash_of(row->parent, row->name, strlen(row->name));
}

static const struct index_owner row_index = {row_equal, row_hash};

uint32_t stretches_row(struct stretches *stretches, uint32_t parent, const char *name,
                       size_t name_size) {
    struct row_key key = {parent, name, strnlen(name, name_size)};
    uint64_t hash = hash_of(parent, name, key.size);
    uint32_t number = index_find(&stretches->row_index, &row_index, stretches, hash, &key);
    if (number != INDEX_NONE)
        return number;
    char *copy = stretches->row_count < STRETCH_ROWS_MAX ? strndup(name, key.size) : NULL;
    if (!copy ||
        !array_reserve(&stretches->rows, &stretches->row_capacity,
                       (uint64_t)stretches->row_count + 1, sizeof *stretches->rows) ||
        !index_add(&stretches->row_index, &row_index, stretches, hash, stretches->row_count)) {
        free(copy);
        return INDEX_NONE;
    }
    stretches->rows[stretches->row_count] = (struct stretch_row){.parent = parent, .name = copy};
    return stretches->row_count++;
}

/* The sites of a stretch, each once. */
struct gathered {
    struct stretch_site *list;
    uint32_t count, capacity;
    uint64_t kept_largest, kept_native;
    struct stretch_drag drag;
};

static bool gather_site(struct gathered *gathered, const struct sites *sites, uint32_t number,
                        struct site_value at_peak, uint64_t peak_seq) {
    const struct site *site = &sites->list[number];
    struct site_value live = site_live(sites, number),
                      peak = site_changed(sites, site) <= peak_seq ? live : at_peak;
    if (live.bytes > gathered->kept_largest)
        gathered->kept_largest = live.bytes;
    if (site->kind == BLOCK_HEAP)
        gathered->kept_native += live.bytes;
    if (!peak.blocks && !live.blocks)
        return true;
    if (!array_reserve(&gathered->list, &gathered->capacity, (uint64_t)gathered->count + 1,
                       sizeof *gathered->list))
        return false;
    gathered->list[gathered->count++] = (struct stretch_site){site->node, site->kind, peak, live};
    return true;
}

static bool gather(struct image *image, uint32_t place, struct gathered *gathered) {
    struct stretches *stretches = image->stretches;
    const struct stretch *stretch = &stretches->list[place];
    uint32_t stamp = ++stretches->stamp;
    for (uint32_t i = 0; i < stretch->scope_count; i++) {
        uint32_t number = stretch->scopes[i];
        struct scope *scope = &stretches->scopes[number];
        uint32_t at = scope->stamp == stamp ? STRETCH_DEPTH : scope_find(scope, place);
        scope->stamp = stamp;
        for (uint32_t s = 0; at < STRETCH_DEPTH && s < scope->site_count; s++) {
            struct scoped_site *scoped = &stretches->sites[scope->sites[s]];
            if (scoped->scope != number || scoped->stamp == stamp)
                continue;
            scoped->stamp = stamp;
            if (!gather_site(gathered, &image->sites, scope->sites[s], scoped->at_peak[at],
                             stretch->peak_seq))
                return false;
        }
    }
    return true;
}

static int compare_sites(const void *left, const void *right) {
    const struct stretch_site *a = left, *b = right;
    uint64_t first = a->peak.bytes > a->kept.bytes ? a->peak.bytes : a->kept.bytes,
             second = b->peak.bytes > b->kept.bytes ? b->peak.bytes : b->kept.bytes;
    if (first != second)
        return first > second ? -1 : 1;
    if (a->node != b->node)
        return a->node < b->node ? -1 : 1;
    return (a->kind > b->kind) - (a->kind < b->kind);
}

static void add_value(struct site_value *to, struct site_value value) {
    to->bytes += value.bytes;
    to->blocks += value.blocks;
}

/* Beyond the biggest, one for each kind takes up the others. */
static void fold(struct gathered *gathered) {
    struct stretch_site others[3] = {{.kind = 0}, {.kind = 1}, {.kind = 2}};
    if (gathered->count == 0)
        return;
    qsort(gathered->list, gathered->count, sizeof *gathered->list, compare_sites);
    for (uint32_t i = STRETCH_SITES_KEPT; i < gathered->count; i++) {
        struct stretch_site *other = &others[gathered->list[i].kind % 3];
        add_value(&other->peak, gathered->list[i].peak);
        add_value(&other->kept, gathered->list[i].kept);
    }
    if (gathered->count <= STRETCH_SITES_KEPT)
        return;
    uint32_t count = STRETCH_SITES_KEPT;
    for (uint32_t kind = 0; kind < 3 && count < gathered->count; kind++)
        if (others[kind].peak.blocks || others[kind].kept.blocks)
            gathered->list[count++] = others[kind];
    gathered->count = count;
}

/* The sites that the row had before are the caller's. */
static void keep(struct stretch_row *row, const struct stretch *stretch, struct gathered *gathered,
                 const struct image *image, uint64_t now_ns) {
    fold(gathered);
    row->highest = *stretch;
    row->highest.scopes = NULL;
    row->highest.drag = NULL;
    row->end_ns = now_ns;
    row->process_end = image->totals.live;
    /* Only what is needed: there may be many rows. */
    struct stretch_site *fitting =
        realloc(gathered->list, gathered->count ? gathered->count * sizeof *fitting : 1);
    row->sites = fitting ? fitting : gathered->list;
    row->site_count = row->sites ? gathered->count : 0;
    gathered->list = NULL;
}

/* Of one that was cut, only when it was is known for certain: what of its own was seen may be less
 * than what it had. */
static void keep_time(struct stretch_row *row, const struct stretch *stretch, uint64_t now_ns) {
    row->highest = (struct stretch){.thread = stretch->thread,
                                    .begin_ns = stretch->begin_ns,
                                    .peak_ns = stretch->begin_ns,
                                    .begin_moment = stretch->begin_moment};
    row->end_ns = now_ns;
}

/* Who ended one may be waiting for this. */
static struct stretch_result *result_of(const struct image *image, uint32_t number) {
    return image->region_count ? &image->regions[0].region->results[number % STRETCH_RESULTS]
                               : NULL;
}

static void tell(const struct trace *trace, struct image *image, const struct stretch *stretch,
                 const struct gathered *gathered) {
    struct stretch_result *result = result_of(image, stretch->number);
    if (!result)
        return;
    atomic_store_explicit(&result->number, 0, memory_order_release);
    atomic_store_explicit(&result->left_out, 0, memory_order_release);
    atomic_store_explicit(&result->peak, stretch->peak, memory_order_release);
    atomic_store_explicit(&result->kept, stretch->live, memory_order_release);
    atomic_store_explicit(&result->kept_largest, gathered->kept_largest, memory_order_release);
    atomic_store_explicit(&result->kept_native, gathered->kept_native, memory_order_release);
    atomic_store_explicit(&result->made, stretch->made, memory_order_release);
    const uint64_t *drag = gathered->drag.byte_seconds;
    bool drag_known = trace->drag && !image->looks.refused && !stretch->drag_left_out;
    atomic_store_explicit(&result->drag_known, drag_known, memory_order_release);
    atomic_store_explicit(&result->untouched, profile_untouched(drag), memory_order_release);
    atomic_store_explicit(&result->unseen, drag[PHASE_UNSEEN], memory_order_release);
    atomic_store_explicit(&result->process_begin, stretch->process_begin, memory_order_release);
    atomic_store_explicit(&result->process_peak, stretch->process_peak, memory_order_release);
    atomic_store_explicit(&result->process_end, image->totals.live, memory_order_release);
    atomic_store_explicit(&result->number, stretch->number, memory_order_release);
}

void stretches_tell_left_out(struct image *image, uint32_t number) {
    struct stretch_result *result = result_of(image, number);
    if (!result || atomic_load_explicit(&result->number, memory_order_relaxed) == number)
        return;
    atomic_store_explicit(&result->number, 0, memory_order_release);
    atomic_store_explicit(&result->left_out, 1, memory_order_release);
    atomic_store_explicit(&result->number, number, memory_order_release);
}

void stretches_tell_ended(const struct image *image) {
    if (image->region_count)
        atomic_fetch_add_explicit(&image->regions[0].region->stretches_ended, 1,
                                  memory_order_release);
}

/* Adds to a row the stretch in this place, as it is; what it kept is left, without a list. */
static struct gathered take(const struct trace *trace, struct image *image, uint32_t place,
                            bool closed, struct stretch_row *row) {
    const struct stretch *stretch = &image->stretches->list[place];
    struct gathered gathered = {0};
    bool whole = gather(image, place, &gathered);
    bool first = row->count++ == 0;
    image->stretches_left_out += !whole;
    row->unclosed += !closed;
    if (!stretch->cut) {
        row->kept_in_all += stretch->live;
        row->made_in_all += stretch->made;
        row->native_in_all += gathered.kept_native;
        stretches_take_snapshot(image, stretch, row);
        stretches_drag_take(image, place, trace->now_ns, &gathered.drag);
        image->stretches_left_out += !stretches_drag_merge(&row->drag, &gathered.drag);
    }
    if (stretch->cut && first)
        keep_time(row, stretch, trace->now_ns);
    else if (!stretch->cut && whole && (first || stretch->peak > row->highest.peak))
        keep(row, stretch, &gathered, image, trace->now_ns);
    free(gathered.list);
    gathered.list = NULL;
    return gathered;
}

void stretches_take(struct trace *trace, struct image *image, uint32_t place, bool closed) {
    struct stretches *stretches = image->stretches;
    const struct stretch *stretch = &stretches->list[place];
    struct stretch_row *row = &stretches->rows[stretch->row];
    struct stretch_site *before = row->sites;
    struct gathered kept = take(trace, image, place, closed, row);
    if (row->sites != before)
        free(before);
    stretches_keep_snapshot(stretches, stretch->row);
    if (closed && !stretch->cut)
        tell(trace, image, stretch, &kept);
    else if (closed)
        stretches_tell_left_out(image, stretch->number);
}

static bool is_cut(const struct stretches *stretches, const struct scope *scope, uint32_t at) {
    return scope->stretches[at] && stretches->list[scope->stretches[at] - 1].cut;
}

/* Native blocks that nobody has given back, whichever stretches they were allocated in: but for
 * what was cut, whose other figures are left out, too. */
static void add_left(const struct image *image, struct stretch_row *rows) {
    const struct stretches *stretches = image->stretches;
    for (uint32_t i = 0; i < image->sites.count && i < stretches->site_capacity; i++) {
        const struct scope *scope = &stretches->scopes[stretches->sites[i].scope];
        if (stretches->sites[i].scope == 0 || image->sites.list[i].kind != BLOCK_HEAP)
            continue;
        for (uint32_t k = 0; k < STRETCH_DEPTH; k++)
            if (scope->rows[k] && !is_cut(stretches, scope, k))
                add_value(&rows[scope->rows[k] - 1].left, site_live(&image->sites, i));
    }
}

/* NULL when memory ran out. */
static struct stretch_row *copy_rows(const struct stretches *stretches) {
    struct stretch_row *rows = calloc(stretches->row_count + 1u, sizeof *rows);
    for (uint32_t r = 0; rows && r < stretches->row_count; r++) {
        rows[r] = stretches->rows[r];
        rows[r].drag = NULL;
        if (stretches->rows[r].drag &&
            !stretches_drag_merge(&rows[r].drag, stretches->rows[r].drag)) {
            stretches_rows_free(stretches, rows);
            return NULL;
        }
    }
    return rows;
}

struct stretch_row *stretches_rows_now(struct trace *trace, struct image *image) {
    struct stretches *stretches = image->stretches;
    struct stretch_row *rows = copy_rows(stretches);
    if (!rows)
        return NULL;
    stretches_settle(image);
    for (uint32_t i = stretches->count; i-- > 0;) {
        if (!stretches->list[i].number)
            continue;
        uint32_t number = stretches->list[i].row;
        struct stretch_site *before = rows[number].sites;
        take(trace, image, i, false, &rows[number]);
        if (rows[number].sites != before && before != stretches->rows[number].sites)
            free(before);
    }
    add_left(image, rows);
    return rows;
}

void stretches_rows_free(const struct stretches *stretches, struct stretch_row *rows) {
    for (uint32_t r = 0; rows && r < stretches->row_count; r++) {
        if (rows[r].sites != stretches->rows[r].sites)
            free(rows[r].sites);
        free(rows[r].drag);
    }
    free(rows);
}
