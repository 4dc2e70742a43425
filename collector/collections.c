/* See collections.h. */
#include "collections.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "trace.h"

#define LIST_MAX 512u
#define LOOK_NS 500000u
#define CHEAP_IMAGES 8u /* with so many alive, each is looked at half as often as one alone */

/* What rises by more is not what it should be. */
#define MOST_AT_ONCE 1000000u
#define MOST_OBJECTS (1ull << 40)

#define OBJECTS_MAX ((uint64_t)INT64_MAX) /* as a profile takes them */

/* As the interpreter has them, from 3.8 to 3.14. */
struct remote_state {
    struct {
        uint64_t collections, collected, uncollectable;
    } generations[COLLECTION_GENERATIONS];
    uint32_t collecting;
};
#define REMOTE_SIZE (offsetof(struct remote_state, collecting) + sizeof(uint32_t))
static_assert(REMOTE_SIZE == REGION_COLLECTIONS_SIZE + sizeof(uint32_t),
              "the library's address is that of the counts before the flag");

static uint64_t middle(uint64_t a, uint64_t b) {
    return a + (b - a) / 2;
}

/* -- What is kept -- */

static void halve(struct collections *collections) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < collections->count; i += 2) {
        struct collection one = collections->list[i];
        if (i + 1 < collections->count) {
            const struct collection *next = &collections->list[i + 1];
            one.duration_ns += next->duration_ns;
            one.objects = next->objects < OBJECTS_MAX - one.objects ? one.objects + next->objects
                                                                    : OBJECTS_MAX;
            one.freed += next->freed;
            one.count += next->count;
            one.generation = one.generation > next->generation ? one.generation : next->generation;
        }
        collections->list[kept++] = one;
    }
    collections->count = kept;
}

static void keep(struct collections *collections, struct collection one) {
    if (!collections->list)
        collections->list = calloc(LIST_MAX, sizeof *collections->list);
    if (!collections->list)
        return;
    if (collections->count == LIST_MAX)
        halve(collections);
    collections->list[collections->count++] = one;
}

static void begin(struct collections *collections, uint64_t time_ns, uint64_t live) {
    collections->open_ns = time_ns;
    collections->open_live = live;
}

static void end(struct collections *collections, struct collection *one, uint64_t time_ns,
                uint64_t live) {
    one->begin_ns = collections->open_ns;
    one->duration_ns = time_ns - collections->open_ns;
    one->freed = collections->open_live > live ? collections->open_live - live : 0;
    if (one->duration_ns > collections->longest_ns)
        collections->longest_ns = one->duration_ns;
    if (collections->paused_ns < collections->longest_ns)
        collections->paused_ns = collections->longest_ns; /* that one rounds down */
    collections->open_ns = 0;
}

/* Whatever was running, its end will not be seen. */
static void give_up(struct collections *collections, uint64_t now_ns) {
    collections->open_ns = 0;
    collections->looked_ns = now_ns;
    collections->fallen = false;
}

static bool rises_by_more(uint64_t now, uint64_t before, uint64_t most) {
    return now > before && now - before > most;
}

static bool is_possible(const struct collections *collections,
                        const struct collections_look *look) {
    for (unsigned i = 0; i < COLLECTION_GENERATIONS; i++)
        if (rises_by_more(look->counts[i], collections->counts[i], MOST_AT_ONCE) ||
            rises_by_more(look->objects[i], collections->objects[i], MOST_OBJECTS))
            return false;
    return true;
}

/* Another interpreter's, which began anew; or read while they were being written, the first time.
 */
static bool has_fallen(const struct collections *collections, const struct collections_look *look) {
    for (unsigned i = 0; i < COLLECTION_GENERATIONS; i++)
        if (look->counts[i] < collections->counts[i] || look->objects[i] < collections->objects[i])
            return true;
    return false;
}

static void begin_anew(struct collections *collections, const struct collections_look *look) {
    memcpy(collections->counts, look->counts, sizeof collections->counts);
    memcpy(collections->objects, look->objects, sizeof collections->objects);
    collections->inherited = collections->fallen = false;
    collections->open_ns = 0;
}

/* What there is more than at the last look. */
static void take_more(struct collections *collections, const struct collections_look *look,
                      struct collection *one) {
    for (unsigned i = 0; i < COLLECTION_GENERATIONS; i++) {
        uint64_t more = look->counts[i] - collections->counts[i];
        if (more > 0)
            one->generation = i;
        one->count += (uint32_t)more;
        one->objects += look->objects[i] - collections->objects[i];
        collections->totals[i] += more;
        collections->counts[i] = look->counts[i];
        collections->objects[i] = look->objects[i];
    }
}

void collections_note(struct collections *collections, const struct collections_look *look,
                      uint64_t now_ns, uint64_t live) {
    uint64_t last = collections->looked_ns ? collections->looked_ns : now_ns;
    struct collection more = {.begin_ns = last};
    if (!collections->inherited && !is_possible(collections, look)) {
        give_up(collections, now_ns);
        return;
    }
    bool fallen = !collections->inherited && has_fallen(collections, look),
         again = collections->fallen;
    collections->fallen = false;
    if (fallen && !again) {
        give_up(collections, now_ns);
        collections->fallen = true;
        return;
    }
    if (collections->inherited || fallen)
        begin_anew(collections, look);
    bool was_running = collections->open_ns != 0;
    take_more(collections, look, &more);
    collections->known = true;
    collections->looked_ns = now_ns;
    collections->paused_ns += (now_ns - last) * ((uint64_t)was_running + look->running) / 2;
    if (was_running && more.count > 0)
        end(collections, &more, middle(last, now_ns), live);
    if (!look->running)
        collections->open_ns = 0;
    else if (collections->open_ns == 0)
        begin(collections, more.count > 0 ? now_ns : middle(last, now_ns), live);
    if (more.count > 0)
        keep(collections, more);
}

/* -- Looking -- */

/* The library's claims are addresses in its own process: whatever they are, reading there harms
 * nobody, and what is found is checked. */
static bool read_state(struct image *image, struct remote_state *state) {
    const struct region *region = image->regions[0].region;
    struct collections *collections = &image->collections;
    uint64_t slot = region->collections_slot, place = region->collections_place, holder = 0;
    for (unsigned tries = 0; tries < 2; tries++) {
        struct iovec here[] = {{&holder, sizeof holder}, {state, REMOTE_SIZE}};
        struct iovec there[] = {{(void *)(uintptr_t)slot, sizeof holder},          /* NOLINT */
                                {(void *)(uintptr_t)(place + collections->holder), /* NOLINT */
                                 REMOTE_SIZE}};
        unsigned first = slot == 0;
        ssize_t got = process_vm_readv((pid_t)image->pid, here + first, 2 - first, there + first,
                                       2 - first, 0);
        collections->refused = got < 0 && (errno == EPERM || errno == ENOSYS);
        if (got == (ssize_t)(REMOTE_SIZE + (slot ? sizeof holder : 0)) &&
            holder == collections->holder)
            return true;
        if (got < (ssize_t)sizeof holder || slot == 0 || holder == 0)
            return false;
        collections->holder = holder;
    }
    return false;
}

static bool find(struct image *image, struct collections_look *found) {
    struct region *region = image->regions[0].region;
    struct remote_state state;
    if (atomic_load_explicit(&region->python_state, memory_order_acquire) != PYTHON_TRACED ||
        region->collections_place == 0 || !read_state(image, &state) || state.collecting > 1)
        return false;
    found->running = state.collecting != 0;
    for (unsigned i = 0; i < COLLECTION_GENERATIONS; i++) {
        found->counts[i] = state.generations[i].collections;
        found->objects[i] = state.generations[i].collected;
    }
    return true;
}

static void look(const struct trace *trace, struct image *image) {
    struct collections *collections = &image->collections;
    uint64_t now = trace_clock(trace);
    uint64_t pause = (uint64_t)LOOK_NS * (1 + trace->living / CHEAP_IMAGES);
    struct collections_look found;
    if (image->dead || collections->refused || image->region_count == 0 ||
        now - collections->looked_ns < pause)
        return;
    if (find(image, &found))
        collections_note(collections, &found, now, image->totals.live);
    else
        give_up(collections, now);
}

bool collections_watch(struct trace *trace) {
    bool running = false;
    for (uint32_t i = 0; i < trace->image_count; i++) {
        look(trace, trace->images[i]);
        running |= !trace->images[i]->dead && trace->images[i]->collections.open_ns != 0;
    }
    return running;
}
