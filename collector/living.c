/* See living.h. */
#include "living.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../wire/event.h"
#include "../wire/join.h"
#include "memfd.h"
#include "trace.h"

static size_t told_size(const struct living *living) {
    return living->count * sizeof *living->told;
}

static void forget(struct living *living) {
    if (living->told)
        munmap(living->told, told_size(living));
    if (living->fd > 0)
        close(living->fd);
    free(living->list);
    *living = (struct living){.asked = living->asked};
}

void living_release(struct living *living) {
    forget(living);
}

struct listing {
    const struct trace *trace;
    const struct image *image;
    struct living *living;
    uint32_t count, room;
};

/* Of a block: NULL if it is none of Python's. */
static const struct stub *python_stub(const struct trace *trace, const struct image *image,
                                      uint32_t number) {
    const struct stub *stub = &trace->stubs.list[number];
    return image->sites.list[stub->site].kind == BLOCK_PYTHON ? stub : NULL;
}

static void add_block(void *owner, uint64_t address, uint32_t number) {
    struct listing *listing = owner;
    const struct stub *stub = python_stub(listing->trace, listing->image, number);
    if (stub && listing->count < listing->room && listing->living->list)
        listing->living->list[listing->count] = (struct living_block){address, stub->birth};
    listing->count += stub && listing->count < LIVING_MAX;
}

/* First how many there are, then which. */
static bool list_blocks(const struct trace *trace, const struct image *image,
                        struct living *living) {
    struct listing listing = {.trace = trace, .image = image, .living = living};
    blocks_each(&image->blocks, add_block, &listing);
    living->list = calloc(listing.count + 1ul, sizeof *living->list);
    listing.room = listing.count;
    listing.count = 0;
    if (living->list)
        blocks_each(&image->blocks, add_block, &listing);
    living->count = listing.count;
    return living->list && living->count;
}

bool living_ask(const struct trace *trace, struct image *image, uint64_t number) {
    struct living *living = &image->living;
    if (!trace->lives || number != living->asked + 1ull || number > LIVING_ASKS_MAX)
        return false;
    forget(living);
    living->asked = (uint32_t)number;
    void *pages = NULL;
    if (!list_blocks(trace, image, living) ||
        (living->fd = memfd_sealed("holdfast-living", told_size(living), &pages)) < 0) {
        forget(living);
        return true;
    }
    living->told = pages;
    for (uint32_t i = 0; i < living->count; i++)
        living->told[i] = living->list[i].address;
    return true;
}

int living_hand_on(struct image *image, uint32_t number) {
    struct living *living = &image->living;
    int fd = living->asked == number && living->fd > 0 ? living->fd : -1;
    if (fd >= 0)
        living->fd = 0;
    return fd;
}

void living_end(struct trace *trace, struct image *image) {
    struct living *living = &image->living;
    for (uint32_t i = 0; i < living->count; i++) {
        struct block block;
        if (!blocks_look(&image->blocks, living->list[i].address, &block))
            continue;
        /* What is there now is the block of the list if it is as old. */
        const struct stub *stub = python_stub(trace, image, block.site);
        uint64_t told = __atomic_load_n(&living->told[i], __ATOMIC_RELAXED) >> LIVING_TYPE_SHIFT;
        if (stub && stub->birth == living->list[i].birth)
            types_keep(trace, image, types_find(image, told << FREE_TYPE_SHIFT, block.size),
                       block.size);
    }
    forget(living);
}
