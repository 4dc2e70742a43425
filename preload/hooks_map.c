/* Mappings made by the program itself (glibc's malloc and thread stacks do not come through here).
 * A release is recorded before the real call, everything else after it. */
/* With 64-bit offsets asked for, the header renames mmap to mmap64, and both must be defined here.
 */
#undef _FILE_OFFSET_BITS

#include <stdarg.h>
#include <stdint.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <unistd.h>

#include "../wire/event.h"
#include "real.h"
#include "snapshot.h"
#include "thread.h"

#define PAGE 4096ul

static size_t page_round(size_t size) {
    return (size + PAGE - 1) & ~(PAGE - 1);
}

/* What the kernel refuses as a range changes nothing; nor does what cannot be told in a record. */
static bool is_range(const void *start, size_t length) {
    uintptr_t first = (uintptr_t)start;
    return first % PAGE == 0 && first <= EVENT_VALUE_MASK && length != 0 &&
           length <= EVENT_VALUE_MASK + 1 - first;
}

static unsigned classify(int protection, int flags, int fd) {
    bool shared = (flags & MAP_TYPE) != MAP_PRIVATE;
    if ((flags & MAP_ANONYMOUS) == 0 && fd >= 0)
        return MAPPING_FILE;
    if (shared)
        return MAPPING_SHARED;
    if (self.in_python)
        return MAPPING_ARENA;
    return protection == PROT_NONE ? MAPPING_RESERVED : MAPPING_COUNTED;
}

static void note_map(unsigned class, void *start, size_t length) {
    struct writer *writer = event_begin();
    if (!writer)
        return;
    event_map(writer, class, (uintptr_t)start, length, stack_node(&self, writer));
    event_end(writer);
}

static void note_protect(unsigned what, void *start, size_t length) {
    struct writer *writer = event_begin();
    if (!writer)
        return;
    event_protect(writer, what, (uintptr_t)start, page_round(length), stack_node(&self, writer));
    event_end(writer);
}

static void note_unmap(void *start, size_t length) {
    struct writer *writer = event_begin();
    if (!writer)
        return;
    event_unmap(writer, 0, (uintptr_t)start, length);
    event_end(writer);
}

EXPORT void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset) {
    if (!real.mmap && !real_find())
        return MAP_FAILED;
    unsigned class = classify(protection, flags, fd);
    if (class == MAPPING_COUNTED)
        snapshot_before_mapping(page_round(length));
    void *start = real.mmap(address, length, protection, flags, fd, offset);
    if (start != MAP_FAILED)
        note_map(class, start, page_round(length));
    return start;
}

EXPORT void *mmap64(void *address, size_t length, int protection, int flags, int fd, off64_t offset)
    __attribute__((alias("mmap")));

/* Length 0: the shared segment that is attached there. */
static int release(void *start, size_t length) {
    return length ? real.munmap(start, length) : real.shmdt(start);
}

/* The writer stays ours across the call, so that a refusal follows its record in the same ring. */
static int release_recorded(void *start, size_t length) {
    struct writer *writer = event_begin();
    if (!writer)
        return release(start, length);
    event_unmap(writer, 0, (uintptr_t)start, page_round(length));
    int result = release(start, length);
    if (result != 0)
        event_remap(writer, 0, 0, stack_node(&self, writer));
    event_end(writer);
    return result;
}

EXPORT int munmap(void *start, size_t length) {
    if (!real.munmap && !real_find())
        return -1;
    return is_range(start, length) ? release_recorded(start, length) : release(start, length);
}

static void *mremap_recorded(void *old, size_t old_size, size_t size, int flags, void *target) {
    struct writer *writer = event_begin();
    if (!writer)
        return real.mremap(old, old_size, size, flags, target);
    event_unmap(writer, UNMAP_HELD, (uintptr_t)old, page_round(old_size));
    void *start = real.mremap(old, old_size, size, flags, target);
    bool failed = start == MAP_FAILED;
    uint32_t node = stack_node(&self, writer);
    event_remap(writer, failed ? 0 : (uintptr_t)start, failed ? 0 : page_round(size), node);
    event_end(writer);
    return start;
}

EXPORT void *mremap(void *old, size_t old_size, size_t size, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    void *target = (flags & MREMAP_FIXED) != 0 ? va_arg(arguments, void *) : NULL;
    va_end(arguments);
    if (!real.mremap && !real_find())
        return MAP_FAILED;
    if (old_size != 0 && !is_range(old, old_size))
        return real.mremap(old, old_size, size, flags, target);
    /* Size 0 makes a second mapping of shared pages; DONTUNMAP leaves the old range behind, empty.
     */
    if (old_size != 0 && (flags & MREMAP_DONTUNMAP) == 0)
        return mremap_recorded(old, old_size, size, flags, target);
    void *start = real.mremap(old, old_size, size, flags, target);
    if (start != MAP_FAILED) {
        note_map(old_size == 0 ? MAPPING_SHARED : MAPPING_COUNTED, start, page_round(size));
        if (old_size != 0)
            note_protect(PROTECT_DISCARD, old, old_size);
    }
    return start;
}

EXPORT int mprotect(void *start, size_t length, int protection) {
    if (!real.mprotect && !real_find())
        return -1;
    int result = real.mprotect(start, length, protection);
    if (result == 0)
        note_protect(protection == PROT_NONE ? PROTECT_NONE : PROTECT_USABLE, start, length);
    return result;
}

static bool gives_back(int advice) {
    return advice == MADV_DONTNEED || advice == MADV_FREE || advice == MADV_REMOVE;
}

EXPORT int madvise(void *start, size_t length, int advice) {
    if (!real.madvise && !real_find())
        return -1;
    int result = real.madvise(start, length, advice);
    if (result == 0 && gives_back(advice))
        note_protect(PROTECT_DISCARD, start, length);
    return result;
}

/* The break moved from `old` to `now`; bytes, not pages, since the program counts so. */
static void note_break(char *old, char *now) {
    if (now > old)
        note_map(MAPPING_COUNTED, old, (size_t)(now - old));
    else if (now < old)
        note_unmap(now, (size_t)(old - now));
}

EXPORT void *sbrk(intptr_t increment) {
    if (!real.sbrk && !real_find())
        return MAP_FAILED;
    char *old = real.sbrk(increment);
    if (old != MAP_FAILED)
        note_break(old, old + increment);
    return old;
}

EXPORT int brk(void *address) {
    if (!real.brk && !real_find())
        return -1;
    char *old = real.sbrk(0);
    int result = real.brk(address);
    if (result == 0)
        note_break(old, address);
    return result;
}

EXPORT void *shmat(int id, const void *address, int flags) {
    if (!real.shmat && !real_find())
        return MAP_FAILED;
    void *start = real.shmat(id, address, flags);
    struct shmid_ds info;
    if (start != MAP_FAILED && shmctl(id, IPC_STAT, &info) == 0)
        note_map(MAPPING_SHARED, start, page_round(info.shm_segsz));
    return start;
}

EXPORT int shmdt(const void *address) {
    if (!real.shmdt && !real_find())
        return -1;
    void *start = (void *)(uintptr_t)address;
    return is_range(start, PAGE) ? release_recorded(start, 0) : release(start, 0);
}
