/* See living.h. */
#include "living.h"

#include <sys/uio.h>

#include "../wire/event.h"
#include "../wire/join.h"
#include "python.h"
#include "seccomp.h"
#include "sys.h"
#include "thread.h"
#include "types.h"

#define BATCH 64u
#define PAGE 4096u
#define ANSWER_S 5u

/* Some of the list, and what their memory begins with. */
struct batch {
    uint64_t *list;
    uint32_t count;
    char begins[BATCH][TYPES_BEGIN];
};

/* A vfork child has its parent's memory. */
static bool image_is_ours(void) {
    return self.epoch == process.epoch &&
           self.tid == (uint32_t)sys_call6(SYS_gettid, 0, 0, 0, 0, 0, 0);
}

/* The mark is in the ring: what comes before it, the list has. 0: nothing may be asked. */
static uint32_t mark(void) {
    struct writer *writer = event_begin();
    uint32_t number = 0;
    if (!writer)
        return 0;
    if (writer->is_gil || !python.has_gil) {
        process.living_told = true;
        number = process.living_asked < LIVING_ASKS_MAX ? ++process.living_asked : 0;
        if (number)
            event_mark(writer, MARK_LIVING, number);
    }
    event_end(writer);
    return number;
}

/* Of `count` blocks from `first` on, how many were read whole. The list may name what is gone: the
 * kernel reads, so that nothing faults. */
static uint32_t read_some(struct batch *batch, uint32_t first, uint32_t count, size_t most) {
    struct iovec to[BATCH], from[BATCH];
    size_t sum = 0;
    uint32_t whole = 0;
    for (uint32_t i = 0; i < count; i++) {
        uintptr_t address = batch->list[first + i];
        size_t here = PAGE - address % PAGE, size = here < most ? here : TYPES_BEGIN;
        to[i] = (struct iovec){batch->begins[first + i], size};
        from[i] = (struct iovec){(void *)address, size};
    }
    long got = sys_call6(SYS_process_vm_readv, process.pid, (long)to, count, (long)from, count, 0);
    for (; whole < count && !sys_failed(got); whole++) {
        sum += to[whole].iov_len;
        if (sum > (size_t)got)
            break;
    }
    return whole;
}

/* One that cannot be read as far as an object may reach is read up to its page's end: behind it may
 * be nothing. */
static void read_batch(struct batch *batch) {
    __builtin_memset(batch->begins, 0, sizeof batch->begins);
    for (uint32_t i = 0; i < batch->count; i++) {
        i += read_some(batch, i, batch->count - i, 0);
        if (i < batch->count)
            read_some(batch, i, 1, TYPES_BEGIN);
    }
}

static void tell_batch(struct batch *batch) {
    struct writer *writer = event_begin();
    if (!writer)
        return;
    for (uint32_t i = 0; i < batch->count; i++) {
        uint64_t number = types_of_living(writer, batch->begins[i]);
        if (number <= FREE_TYPES_MAX)
            __atomic_store_n(&batch->list[i], batch->list[i] | number << LIVING_TYPE_SHIFT,
                             __ATOMIC_RELAXED);
    }
    event_end(writer);
}

/* A signal would end the wait. Who has not answered in time is not asked again. */
static uint64_t *ask(uint32_t number, uint32_t *count) {
    struct signals signals = signals_block();
    uint64_t *list = process_ask_living(number, ANSWER_S, count);
    signals_restore(signals);
    if (!list)
        process.living_asked = LIVING_ASKS_MAX;
    return list;
}

void living_tell(void) {
    struct batch batch;
    uint32_t count, number;
    if (!process.tells_frees || !python.present || process.living_told ||
        !seccomp_lets(SECCOMP_JOIN | SECCOMP_STACK | SECCOMP_ATTACH | SECCOMP_LIVING) ||
        !image_is_ours() || !(number = mark()))
        return;
    uint64_t *list = ask(number, &count);
    for (uint32_t i = 0; list && i < count; i += batch.count) {
        batch.list = list + i;
        batch.count = count - i < BATCH ? count - i : BATCH;
        read_batch(&batch);
        tell_batch(&batch);
    }
    if (list)
        pages_unmap(list, count * sizeof *list);
}

void living_goes_on(void) {
    process.living_told = false;
}
