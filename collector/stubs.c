/* See stubs.h. */
#include "stubs.h"

#include "memory.h"

uint32_t stubs_take(struct stubs *stubs, uint32_t site) {
    uint32_t stub = stubs->free;
    if (stub != STUBS_NONE) {
        stubs->free = (uint32_t)stubs->list[stub].number;
    } else {
        stub = stubs->count ? stubs->count : 1;
        if (!array_reserve(&stubs->list, &stubs->capacity, (uint64_t)stub + 1, sizeof *stubs->list))
            return STUBS_NONE;
        stubs->count = stub + 1;
    }
    stubs->list[stub].site = site;
    return stub;
}

void stubs_release(struct stubs *stubs) {
    free(stubs->list);
    *stubs = (struct stubs){0};
}
