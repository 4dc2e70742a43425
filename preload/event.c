/* From a hook to a record: attaching the thread, choosing its writer, and the records themselves.
 */
#include <linux/prctl.h>
#include <pthread.h>
#include <string.h>

#include "apart.h"
#include "frames.h"
#include "hot.h"
#include "living.h"
#include "python.h"
#include "seccomp.h"
#include "snapshot.h"
#include "sys.h"
#include "thread.h"
#include "types.h"
#include "watch.h"

/* Of an epoch. No state's word has any of these bits, so that no two keys fit one guard. */
static uint64_t key_of(uint32_t epoch) {
    return (uint64_t)epoch << 48 | 1;
}

/* No key: neither process.own_key when the way is open, nor when it is closed, as it is in a forked
 * child at first. */
#define NO_KEY 2u

/* This thread holds the GIL, and its events may go the short way from now on. */
static void hot_open(void) {
    if (python.quick)
        process.open_key = key_of(process.epoch);
    self.guard = python_guard(&python.at, self.state) ^ key_of(process.epoch);
}

void *hot_alloc_rest(const char *state, unsigned kind, void *block, uint64_t size,
                     struct stack_entry *from, struct stack_entry *unknown) {
    self.state = state;
    uint32_t node = follow_rest(&self.gil_cache, &process.gil, state, from, unknown);
    uint64_t tail = process.gil.tail;
    if (likely(hot_fits(tail, 2))) {
        hot_put(tail, 2, event_word(EVENT_ALLOC, kind, 0, (uintptr_t)block),
                event_size_node(node, size));
        process.gil_allocated += size;
    } else {
        event_alloc(&process.gil, kind, block, size, node);
    }
    hot_leave();
    return block;
}

void *hot_realloc_rest(const char *state, unsigned kind, void *moved, uint64_t size) {
    self.state = state;
    event_realloc_end(&process.gil, kind, 0, moved, moved ? size : 0,
                      moved ? stack_node(&self, &process.gil) : 0);
    process.gil.busy = false;
    hot_leave();
    return moved;
}

void *hot_own_alloc_rest(struct writer *writer, unsigned kind, void *block, uint64_t size) {
    uint32_t node = stack_node(&self, writer);
    if (likely(hot_own_fits(writer, 2)))
        hot_own_put(writer, 2, event_word(EVENT_ALLOC, kind, 0, (uintptr_t)block),
                    event_size_node(node, size));
    else
        event_alloc(writer, kind, block, size, node);
    hot_own_leave(writer);
    return block;
}

uint8_t filter[FILTER_SIZE];

void filter_add(const void *address, enum filter_flag flag) {
    __atomic_fetch_or(&filter[filter_place(address)], (uint8_t)flag, __ATOMIC_RELAXED);
}

void filter_keep(enum filter_flag flag, const uint8_t *needed) {
    for (size_t i = 0; i < FILTER_SIZE; i++)
        if ((filter[i] & (unsigned)flag) && !(needed[i / 8] >> i % 8 & 1))
            __atomic_fetch_and(&filter[i], (uint8_t) ~(unsigned)flag, __ATOMIC_RELAXED);
}

void frees_tell(void) {
    process.tells_frees = true;
    types_begin();
    for (size_t i = 0; i < FILTER_SIZE; i++)
        __atomic_fetch_or(&filter[i], (uint8_t)FILTER_TOLD, __ATOMIC_RELAXED);
}

static struct {
    pthread_key_t key;
    bool made;
} thread_end;

/* Runs when a thread ends. Later events of the same thread attach it again, which sets the key
 * anew, so that glibc calls this once more. */
static void thread_detach(void *unused) {
    (void)unused;
    if (self.epoch != process.epoch)
        return;
    struct writer *own = self.own;
    self.own = NULL;
    self.guard = self.own_key = 0;
    atomic_signal_fence(memory_order_seq_cst); /* a handler must not find what is another's then */
    if (own)
        writer_release(own);
    stack_cache_release(&self.gil_cache);
    self.epoch = 0;
}

/* The first 32 keys live in the thread itself; setting a later one may allocate, and such a
 * thread's ring is found again by its dead owner. */
void thread_prepare(void) {
    thread_end.made =
        pthread_key_create(&thread_end.key, thread_detach) == 0 && thread_end.key < 32;
}

/* Of a thread that pthread_create() has made, its clock tells the id without a system call. */
static uint32_t own_tid(void) {
    clockid_t clock;
    if (!seccomp_lets(SECCOMP_ATTACH) && pthread_getcpuclockid(pthread_self(), &clock) == 0)
        return ~(uint32_t)(clock >> 3);
    return (uint32_t)sys_call6(SYS_gettid, 0, 0, 0, 0, 0, 0);
}

static bool thread_attach(void) {
    if (self.attaching)
        return false;
    self.attaching = true;
    bool joined = process_join();
    /* Whatever an inherited thread held belongs to the parent's rings. */
    uint32_t in_python = self.in_python;
    memset(&self, 0, sizeof self);
    stack_cache_forget(&self.gil_cache);
    self.in_python = in_python;
    if (process.epoch) {
        self.tid = own_tid();
        self.pthread = (uint64_t)pthread_self();
        self.attaching = true;
        if (joined && thread_end.made)
            pthread_setspecific(thread_end.key, &self);
        self.epoch = process.epoch;
    }
    self.attaching = false;
    return joined && process.epoch;
}

static struct writer *own_writer(void) {
    if (!self.own)
        self.own = writer_claim(self.tid);
    return self.own ? self.own : writer_borrow(self.tid);
}

/* A mark with a text of so many bytes: whole words. */
static bool mark_text(struct writer *writer, unsigned mark, uint64_t value, const char *text,
                      uint32_t size) {
    uint32_t words = 1 + size / 8;
    uint64_t *record = writer_reserve(writer, words);
    if (!record)
        return false;
    record[0] = event_word(EVENT_TEXT, 0, 0, size);
    memcpy(record + 1, text, size);
    writer_commit(writer, words);
    event_mark(writer, mark, value);
    return true;
}

void event_thread_name(struct writer *writer, uint32_t tid, const char *name) {
    char text[16] = {0};
    memcpy(text, name, strnlen(name, sizeof text - 1));
    mark_text(writer, MARK_THREAD_NAME, tid, text, sizeof text);
}

static_assert(REGION_NAME_MAX == TYPE_NAME_MAX, "one is as long as the other");

static bool mark_name(struct writer *writer, unsigned mark, uint64_t value, const char *name) {
    char text[REGION_NAME_MAX + 8] = {0};
    size_t size = strnlen(name, REGION_NAME_MAX);
    memcpy(text, name, size);
    return mark_text(writer, mark, value, text, (uint32_t)(size + 8) & ~7u);
}

bool event_region(struct writer *writer, unsigned mark, uint64_t value, const char *name) {
    return mark_name(writer, mark, value, name);
}

bool event_type(struct writer *writer, uint64_t value, const char *name) {
    return mark_name(writer, MARK_TYPE, value, name);
}

void event_own_name_changed(void) {
    self.named = false;
    self.guard = 0;
    self.own_key = NO_KEY;
}

static void send_name(struct writer *writer) {
    char name[16] = {0};
    self.named = true;
    if (!seccomp_lets(SECCOMP_ATTACH))
        return;
    sys_call6(SYS_prctl, PR_GET_NAME, (long)name, 0, 0, 0, 0);
    event_thread_name(writer, self.tid, name);
}

struct writer *event_begin(void) {
    if ((self.epoch != process.epoch || !process.epoch) && !thread_attach())
        return NULL;
    if (process.off)
        return NULL;
    struct writer *writer = python_gil_held(&self) ? &process.gil : own_writer();
    if (writer && writer_is_busy(writer))
        writer = writer_borrow(self.tid);
    if (!writer) {
        atomic_fetch_add_explicit(&process.region->dropped, 1, memory_order_relaxed);
        return NULL;
    }
    writer->busy = true;
    self.depth++;
    if (writer->is_gil)
        process.key = 0;
    atomic_signal_fence(memory_order_seq_cst);
    if (!self.named)
        send_name(writer);
    if (writer->is_gil)
        hot_open();
    else
        self.own_key = process.own_key = key_of(process.epoch);
    atomic_signal_fence(memory_order_seq_cst);
    if (process.off) /* closed by another thread in the meantime */
        hot_close();
    return writer;
}

void event_end(struct writer *writer) {
    atomic_signal_fence(memory_order_seq_cst);
    writer->busy = false;
    self.depth--;
    if (writer->is_gil)
        hot_leave();
    else if (writer != self.own)
        writer_release(writer);
}

/* Somebody may go without tickets: the next one is taken, for a NOTE. */
static bool note_by_ticket(struct writer *writer) {
    uint64_t *record = writer_reserve(writer, 2);
    if (!record)
        return false;
    atomic_store(&process.alone, 0);
    uint64_t ticket = atomic_fetch_add(&process.session->ticket, 1);
    record[0] = event_word(EVENT_NOTE, 0, 0, 0) | EVENT_TICKET_BIT;
    record[1] = ticket;
    writer_commit(writer, 2);
    writer->noted = ticket + 1;
    return true;
}

static bool note_plainly(struct writer *writer, uint64_t ticket) {
    uint64_t *record = writer_reserve(writer, 1);
    if (!record)
        return false;
    record[0] = event_word(EVENT_NOTE, 0, 0, ticket);
    writer_commit(writer, 1);
    writer->noted = ticket;
    return true;
}

/* Tells the reader that the tickets so far had been taken before the GIL ring's next record, which
 * carries none. False when the ring takes no more. */
static bool note_tickets(struct writer *writer) {
    /* This one first: who becomes alone after the second look takes a later ticket. */
    uint64_t ticket = atomic_load_explicit(&process.session->ticket, memory_order_acquire);
    if (ticket == writer->noted)
        return true;
    writer_call_collector(); /* it has taken a ticket before it slept */
    uint32_t alone = atomic_load_explicit(&process.alone, memory_order_relaxed);
    if (!(alone ? note_by_ticket(writer) : note_plainly(writer, ticket)))
        return false;
    if (ticket - process.snapshots.looked >= SNAPSHOT_LOOK)
        snapshot_look(ticket);
    return true;
}

static inline void copy_words(uint64_t *to, const uint64_t *words, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        to[i] = words[i];
}

/* A record of the GIL's ring that needs no ticket. */
static inline void put_noted(struct writer *writer, uint64_t word, const uint64_t *words,
                             uint32_t count) {
    uint64_t *record = note_tickets(writer) ? writer_reserve(writer, 1 + count) : NULL;
    if (!record)
        return;
    record[0] = word;
    copy_words(record + 1, words, count);
    writer_commit(writer, 1 + count);
}

/* How much a thread's ring takes until its writer tries again to be alone; hot.h's way does not
 * come here. Where it finds that it is not, the GIL's writer has had to take a ticket for it. */
#define CLAIM_EVERY (4u << 10)

static uint64_t take_ticket(struct writer *writer) {
    if (!writer->is_gil && writer->tail - writer->claimed >= CLAIM_EVERY)
        return writer_go_alone(writer);
    uint64_t ticket = atomic_fetch_add(&process.session->ticket, 1);
    writer->noted = writer->is_gil ? ticket + 1 : 0;
    return ticket;
}

/* Puts a record of 1 + `count` words into the ring, with a ticket where its order needs one. The
 * ticket is taken once there is room: the reader waits for it. */
static inline void put(struct writer *writer, bool large, uint64_t word, const uint64_t *words,
                       uint32_t count) {
    if (!large && writer->is_gil) {
        put_noted(writer, word, words, count);
        return;
    }
    if (large)
        writer_call_collector(); /* when they come and go is told to the millisecond */
    uint64_t *record = writer_reserve(writer, 2 + count);
    if (!record)
        return;
    if (!large && hot_own_is_alone(writer)) {
        record[0] = word;
        copy_words(record + 1, words, count);
        writer_commit(writer, 1 + count);
        return;
    }
    record[0] = word | EVENT_TICKET_BIT;
    copy_words(record + 2, words, count);
    record[1] = take_ticket(writer);
    writer_commit(writer, 2 + count);
}

static bool fits(const void *address) {
    if (((uintptr_t)address & ~EVENT_VALUE_MASK) == 0)
        return true;
    filter_add(address, FILTER_ODD);
    atomic_fetch_add_explicit(&process.region->dropped, 1, memory_order_relaxed);
    return false;
}

/* As the collector counts them: region.gil_allocated. */
static void count_allocated(const struct writer *writer, uint64_t size) {
    if (writer->is_gil)
        process.gil_allocated += size;
}

/* Cold: what is inlined around these, and saved, must not depend on them. */
static __attribute__((cold, noinline)) void large_made(const void *address, uint64_t size,
                                                       bool fresh) {
    filter_add(address, FILTER_LARGE);
    watch_made(address, size);
    if (process.session->drag)
        apart_set(address, size, fresh);
}

static __attribute__((cold, noinline)) void large_ends(const void *address) {
    watch_freed(address);
    if (process.session->drag)
        apart_end(address);
}

static void put_block(struct writer *writer, uint64_t word, const void *address, uint64_t size,
                      uint32_t node) {
    bool large = size >= LARGE_BLOCK;
    if (large)
        large_made(address, size, event_op(word) == EVENT_ALLOC);
    uint64_t words[2] = {event_size_node(node, size), size};
    bool wide = size >= EVENT_SIZE_WIDE;
    if (wide)
        word |= (uint64_t)EVENT_WIDE << 48;
    count_allocated(writer, size);
    put(writer, large, word, words, wide ? 2 : 1);
}

void event_alloc(struct writer *writer, unsigned kind, const void *address, uint64_t size,
                 uint32_t node) {
    if (fits(address))
        put_block(writer, event_word(EVENT_ALLOC, kind, 0, (uintptr_t)address), address, size,
                  node);
}

/* Whether the block that ends may be large. */
static bool ends_large(const void *address) {
    bool large = filter_flags(address) & FILTER_LARGE;
    if (large)
        large_ends(address);
    return large;
}

void event_free(struct writer *writer, const void *address) {
    if (fits(address))
        put(writer, ends_large(address), event_word(EVENT_FREE, 0, 0, (uintptr_t)address), NULL, 0);
}

void event_free_told(struct writer *writer, const void *address, uint64_t told) {
    if (fits(address))
        put(writer, ends_large(address), event_word(EVENT_FREE, 0, FREE_TOLD, (uintptr_t)address),
            &told, 1);
}

void event_realloc_begin(struct writer *writer, const void *address) {
    if (fits(address))
        put(writer, ends_large(address), event_word(EVENT_REALLOC_BEGIN, 0, 0, (uintptr_t)address),
            NULL, 0);
}

void event_realloc_untold(const void *address) {
    if (filter_flags(address) & FILTER_LARGE)
        apart_end(address);
}

void event_realloc_end(struct writer *writer, unsigned kind, unsigned aux, const void *address,
                       uint64_t size, uint32_t node) {
    if (fits(address))
        put_block(writer, event_word(EVENT_REALLOC_END, kind, aux, (uintptr_t)address), address,
                  size, node);
}

/* Mappings always take a ticket: each is a system call already. */
void event_map(struct writer *writer, unsigned class, uintptr_t start, uint64_t length,
               uint32_t node) {
    uint64_t words[2] = {length, node};
    if (class == MAPPING_COUNTED)
        count_allocated(writer, length);
    put(writer, true, event_word(EVENT_MAP, BLOCK_MAPPED, class, start), words, 2);
}

void event_unmap(struct writer *writer, unsigned aux, uintptr_t start, uint64_t length) {
    put(writer, true, event_word(EVENT_UNMAP, BLOCK_MAPPED, aux, start), &length, 1);
}

void event_remap(struct writer *writer, uintptr_t start, uint64_t length, uint32_t node) {
    uint64_t words[2] = {length, node};
    put(writer, true, event_word(EVENT_REMAP, BLOCK_MAPPED, 0, start), words, 2);
}

void event_protect(struct writer *writer, unsigned what, uintptr_t start, uint64_t length,
                   uint32_t node) {
    uint64_t words[2] = {length, node};
    put(writer, true, event_word(EVENT_PROTECT, BLOCK_MAPPED, what, start), words, 2);
}

void event_snapshot(struct writer *writer, unsigned reason, uint32_t number, uint64_t size,
                    uint32_t node) {
    uint64_t words[2] = {size, node};
    put(writer, true, event_word(EVENT_SNAPSHOT, 0, reason, number), words, 2);
}

void event_mark(struct writer *writer, unsigned mark, uint64_t value) {
    put(writer, true, event_word(EVENT_MARK, 0, mark, value), NULL, 0);
}

void note_alloc(unsigned kind, const void *block, uint64_t size) {
    struct writer *writer = event_begin();
    if (!writer)
        return;
    hot_note_caller();
    pymem_tick(writer->is_gil);
    event_alloc(writer, kind, block, size, stack_node(&self, writer));
    event_end(writer);
}

__attribute__((noinline)) void *note_made(unsigned kind, void *block, uint64_t size) {
    if (block)
        note_alloc(kind, block, size);
    return block;
}

/* Where a block is freed. Not in a program that uses greenlets on 3.11 and 3.12: it frees memory
 * while what the frames are found by is on a stack that is being replaced (frames.h). */
static bool free_has_stack(void) {
    return !python.greenlets || python.at.minor < 11 || python.at.minor > 12;
}

static unsigned free_flags_now(const struct writer *writer) {
    bool beside = python.present && !writer->is_gil && (python.has_gil || !frames_state(&self));
    unsigned flags = beside ? FREE_NO_GIL : 0u;
    if (python.present && python_collects())
        flags |= FREE_COLLECTING;
    return flags | (python.present && python_is_ending() ? FREE_FINALIZING : 0u);
}

/* What is told of a block that is freed now. */
static uint64_t told_now(struct writer *writer, const void *block, uint32_t node, bool object) {
    return free_word(node, free_flags_now(writer),
                     object ? types_number(writer, block) : FREE_TYPE_NONE);
}

/* The stack of a free with the GIL. */
static uint32_t free_node(const struct python_offsets *at, const char *state) {
    struct stack_cache *cache = &self.gil_cache;
    const char *frame = frames_current(at, state);
    uint32_t node = find_known(at, cache, &process.gil.trie, frame);
    if (node)
        return node;
    struct changes changes = {0};
    node = follow(at, cache, &process.gil, state, &changes);
    if (node)
        return node;
    self.state = state;
    return follow_rest(cache, &process.gil, state, changes.from, changes.unknown);
}

/* hot.h's way for a small block that is freed with the GIL. False: not done. */
static bool free_told_shortly(const void *block, bool object) {
    const struct python_offsets *at = &python.at;
    if (!python.quick || !free_has_stack() || filter_flags(block) & (FILTER_LARGE | FILTER_ODD))
        return false;
    const char *state = hot_enter(at);
    if (!state)
        return false;
    uint32_t node = free_node(at, state);
    uint64_t told = told_now(&process.gil, block, node, object), tail = process.gil.tail;
    if (hot_fits(tail, 2))
        hot_put(tail, 2, event_word(EVENT_FREE, 0, FREE_TOLD, (uintptr_t)block), told);
    else
        event_free_told(&process.gil, block, told);
    hot_leave();
    return true;
}

/* Before the first object goes that the interpreter's end takes. */
static bool interpreter_ends(bool object) {
    return object && !process.living_told && python.present && python_is_ending();
}

void note_free(const void *block, bool object) {
    if (process.tells_frees && __builtin_expect(interpreter_ends(object), 0))
        living_tell();
    if (process.tells_frees && free_told_shortly(block, object))
        return;
    struct writer *writer = event_begin();
    if (!writer) {
        if (process.tells_frees && object)
            types_missed(block);
        return;
    }
    if (process.tells_frees)
        event_free_told(
            writer, block,
            told_now(writer, block, free_has_stack() ? stack_node(&self, writer) : 0, object));
    else
        event_free(writer, block);
    event_end(writer);
}
