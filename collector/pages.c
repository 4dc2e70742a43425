/* See pages.h. */
#include "pages.h"

#include <stdint.h>
#include <sys/mman.h>

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
