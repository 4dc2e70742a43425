/* The library's own memory: pages straight from the kernel, so that nothing it needs goes through
 * the allocators it watches. */
#include "sys.h"

#include <sys/mman.h>

void *pages_map(size_t size) {
    long result = sys_call6(SYS_mmap, 0, (long)size, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return sys_failed(result) ? NULL : (void *)result;
}

void *pages_grow(void *pages, size_t old_size, size_t new_size) {
    long result =
        sys_call6(SYS_mremap, (long)pages, (long)old_size, (long)new_size, MREMAP_MAYMOVE, 0, 0);
    return sys_failed(result) ? NULL : (void *)result;
}

void pages_unmap(void *pages, size_t size) {
    sys_call6(SYS_munmap, (long)pages, (long)size, 0, 0, 0, 0);
}
