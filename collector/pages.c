/* See pages.h. */
#include "pages.h"

#include <stdint.h>
#include <sys/mman.h>

#define PAGE ((uintptr_t)4096)

#ifndef MADV_POPULATE_WRITE /* Linux 5.14; refused before */
#define MADV_POPULATE_WRITE 23
#endif

void *pages_map(size_t size, bool huge, size_t asked) {
    size_t spare = huge ? HUGE_PAGE : 0;
    char *pages =
        mmap(NULL, size + spare, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED)
        return NULL;
    if (huge) {
        size_t before = (HUGE_PAGE - (uintptr_t)pages % HUGE_PAGE) % HUGE_PAGE;
        size_t end = (before + size + 4095) & ~(size_t)4095;
        if (before)
            munmap(pages, before);
        if (end < size + spare)
            munmap(pages + end, size + spare - end);
        pages += before;
        madvise(pages, asked, MADV_HUGEPAGE);
    }
    return pages;
}

void pages_expect(void *start, size_t size) {
    uintptr_t from = ((uintptr_t)start + PAGE - 1) & ~(PAGE - 1);
    uintptr_t to = ((uintptr_t)start + size) & ~(PAGE - 1);
    if (from < to)
        (void)madvise((char *)start + (from - (uintptr_t)start), to - from, MADV_POPULATE_WRITE);
}
