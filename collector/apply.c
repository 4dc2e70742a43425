/* See apply.h. */
#include "apply.h"

#include <poll.h>

#include "account.h"
#include "apply_mapping.h"
#include "drain.h"
#include "lifetimes.h"
#include "memory.h"
#include "table.h"

#define TEXT_MAX (8u << 20)
#define LOCAL_NODES_MAX (64u << 20)
#define LOCAL_CODES_MAX (4u << 20)
#define THREADS_MAX (1u << 16)

static uint64_t read_word(const uint64_t *word) {
    return __atomic_load_n(word, __ATOMIC_RELAXED);
}

bool apply_prepare(struct reader *reader) {
    if (reader->node_capacity)
        return true;
    return table_reserve(&reader->nodes, &reader->node_capacity, 64, sizeof *reader->nodes) &&
           array_reserve(&reader->codes, &reader->code_capacity, 16, sizeof *reader->codes);
}

/* Once a stretch begins or ends, the nodes in this list have to be forgotten. */
static bool is_noted(struct reader *reader, uint32_t node) {
    const uint32_t *sites = reader->nodes[node].site;
    if (sites[0] | sites[1] | sites[2])
        return true;
    if (!array_reserve(&reader->filled, &reader->filled_capacity,
                       (uint64_t)reader->filled_count + 1, sizeof *reader->filled))
        return false;
    reader->filled[reader->filled_count++] = node;
    return true;
}

uint32_t apply_find_site(struct reader *reader, uint64_t node, uint32_t kind) {
    if (node >= reader->node_count || kind > BLOCK_MAPPED)
        return INDEX_NONE;
    struct local_node *local = &reader->nodes[node];
    uint32_t site = sites_find(&reader->image->sites, local->node, kind);
    if (site != INDEX_NONE && reader->image->stretches)
        site = is_noted(reader, (uint32_t)node) ? stretches_site(reader->image, site, local->node)
                                                : INDEX_NONE;
    if (site != INDEX_NONE)
        local->site[kind] = site + 1;
    return site;
}

/* The size and stack of ALLOC and REALLOC_END. */
static bool read_block(struct reader *reader, uint64_t word, const uint64_t *words,
                       struct block *block) {
    uint64_t packed = read_word(words);
    block->size = packed & 0xffffffffu;
    if (event_aux(word) & EVENT_WIDE)
        block->size = read_word(words + 1);
    block->site = apply_site(reader, packed >> 32, event_kind(word));
    return block->site != INDEX_NONE && block->size <= BLOCK_SIZE_MAX &&
           reader->image->totals.live + block->size <= LIVE_MAX;
}

/* What the table of blocks keeps of a site: the site, or with --keep-events a stub. */
static uint32_t site_of(const struct trace *trace, uint32_t kept) {
    return trace->keeps_stubs ? trace->stubs.list[kept].site : kept;
}

/* What its stub knows of a block is needed no more. */
static void stub_ends(struct trace *trace, struct image *image, struct block block,
                      struct death death) {
    if (!trace->keeps_stubs)
        return;
    if (trace->lives)
        lives_end(trace, image, &trace->stubs.list[block.site], block.size, death,
                  image->allocations);
    stubs_give(&trace->stubs, block.site);
}

/* `birth`: of a large block, the moment that it began with. */
static void block_ends(struct trace *trace, struct image *image, uint64_t address,
                       struct block block, uint64_t birth, struct death death) {
    account_remove(trace, image, site_of(trace, block.site), block.size);
    if (block.size >= GRAPH_LARGE_BLOCK)
        lifetimes_end(trace, image, address, birth);
    if (trace->events)
        events_free(trace->events, block.site);
    stub_ends(trace, image, block, death);
}

static const struct death unseen = {.end = END_UNSEEN};

/* A block that has come into being. One that was at its address is gone, though nobody said so.
 * What the table keeps of the new block's site is left in *kept. */
static bool block_begins(struct trace *trace, struct image *image, uint64_t address,
                         struct block block, uint32_t *kept) {
    bool replaced;
    struct block old;
    struct block entry = block;
    if (trace->keeps_stubs && (entry.site = stubs_take(&trace->stubs, block.site)) == STUBS_NONE)
        return false;
    if (address == 0 || !blocks_put(&image->blocks, address, entry, &replaced, &old)) {
        if (trace->keeps_stubs)
            stubs_give(&trace->stubs, entry.site);
        return false;
    }
    if (replaced) {
        block_ends(trace, image, address, old, lifetimes_birth(image, address), unseen);
        image->lost_frees++;
    }
    if (block.size >= GRAPH_LARGE_BLOCK)
        lifetimes_begin(trace, image, address, block.size, block.site);
    account_add(trace, image, block.site, block.size);
    image->allocations++;
    if (trace->lives)
        lives_begin(trace, &trace->stubs.list[entry.site], image->allocations);
    *kept = entry.site;
    return true;
}

static bool apply_alloc(struct trace *trace, struct reader *reader, uint64_t word,
                        const uint64_t *words) {
    struct block block;
    uint32_t kept;
    if (!read_block(reader, word, words, &block) ||
        !block_begins(trace, reader->image, event_value(word), block, &kept))
        return false;
    if (trace->events)
        events_alloc(trace->events, reader->image->number, kept, block.size);
    reader->image->gil_allocated += reader->is_gil ? block.size : 0;
    return true;
}

struct death apply_death(const struct reader *reader, uint64_t told, uint64_t size) {
    uint64_t node = told >> 32;
    return (struct death){.end = told & FREE_FINALIZING   ? END_EXIT
                                 : told & FREE_COLLECTING ? END_COLLECTING
                                 : told & FREE_NO_GIL     ? END_NO_GIL
                                                          : END_FREED,
                          .node =
                              node && node < reader->node_count ? reader->nodes[node].node + 1 : 0,
                          .type = types_find(reader->image, told, size)};
}

static void apply_free(struct trace *trace, const struct reader *reader, uint64_t word,
                       const uint64_t *words) {
    struct image *image = reader->image;
    uint64_t address = event_value(word);
    uint64_t told = event_aux(word) & FREE_TOLD ? read_word(words) : 0;
    struct block block;
    if (!blocks_take(&image->blocks, address, &block))
        return;
    block_ends(trace, image, address, block, lifetimes_birth(image, address),
               apply_death(reader, told, block.size));
    image->frees++;
}

static void end_held(struct trace *trace, struct reader *reader, enum profile_end end) {
    if (reader->has_held)
        block_ends(trace, reader->image, reader->held_address, reader->held, reader->held_birth,
                   (struct death){.end = end});
    reader->has_held = false;
}

static void apply_realloc_begin(struct trace *trace, struct reader *reader, uint64_t address) {
    if (reader->has_held)
        reader->image->lost_frees++;
    end_held(trace, reader, END_UNSEEN);
    reader->has_held = blocks_take(&reader->image->blocks, address, &reader->held);
    reader->held_address = address;
    reader->held_birth = lifetimes_birth(reader->image, address);
}

static bool restore_held(struct trace *trace, struct reader *reader) {
    bool replaced = false;
    struct block other;
    if (!reader->has_held)
        return true;
    if (!blocks_put(&reader->image->blocks, reader->held_address, reader->held, &replaced, &other))
        return false;
    reader->has_held = false;
    if (replaced)
        block_ends(trace, reader->image, reader->held_address, other, 0, unseen);
    return true;
}

static void remove_held(struct trace *trace, struct reader *reader) {
    struct image *image = reader->image;
    account_remove(trace, image, site_of(trace, reader->held.site), reader->held.size);
    if (reader->held.size >= GRAPH_LARGE_BLOCK)
        lifetimes_end(trace, image, reader->held_address, reader->held_birth);
}

/* A block that moves exists twice until its contents are copied. */
static bool replace_held(struct trace *trace, struct reader *reader, uint64_t address,
                         struct block block, bool moved) {
    struct image *image = reader->image;
    uint32_t kept;
    if (!moved)
        remove_held(trace, reader);
    bool begun = block_begins(trace, image, address, block, &kept);
    if (moved)
        remove_held(trace, reader);
    if (trace->events && begun)
        events_realloc(trace->events, image->number, kept, block.size, reader->held.site, moved);
    else if (trace->events)
        events_free(trace->events, reader->held.site);
    stub_ends(trace, image, reader->held, (struct death){.end = END_RESIZED});
    image->frees++;
    image->gil_allocated += reader->is_gil ? block.size : 0;
    reader->has_held = false;
    return begun;
}

static bool apply_realloc_end(struct trace *trace, struct reader *reader, uint64_t word,
                              const uint64_t *words) {
    struct image *image = reader->image;
    uint64_t address = event_value(word);
    struct block block;
    if (event_aux(word) & REALLOC_FREED) {
        image->frees += reader->has_held;
        end_held(trace, reader, END_FREED);
        return true;
    }
    if (address == 0)
        return restore_held(trace, reader);
    if (!reader->has_held)
        return apply_alloc(trace, reader, word, words);
    if (!read_block(reader, word, words, &block))
        return false;
    bool moved = address != reader->held_address && !(event_aux(word) & REALLOC_REMAPPED);
    return replace_held(trace, reader, address, block, moved);
}

static bool apply_text(struct reader *reader, uint64_t size, const uint64_t *words) {
    if (reader->text_size + size > TEXT_MAX ||
        !array_reserve(&reader->text, &reader->text_capacity, reader->text_size + size + 8, 1))
        return false;
    memcpy(reader->text + reader->text_size, words, size);
    reader->text_size += (uint32_t)size;
    return true;
}

static bool apply_code(struct trace *trace, struct reader *reader, uint64_t number,
                       const uint64_t *words) {
    uint64_t lines = read_word(words), sizes = read_word(words + 1), table = read_word(words + 2);
    char empty[1] = "";
    struct stack_code code = {.text = reader->text,
                              .name_size = (uint32_t)(sizes >> 32),
                              .file_size = (uint32_t)sizes,
                              .table_size = (uint32_t)table,
                              .first_line = (uint32_t)(lines >> 32),
                              .format = (uint32_t)lines};
    if (table > TEXT_MAX || (sizes >> 32) + (uint32_t)sizes + table != reader->text_size ||
        number != reader->code_count || number >= LOCAL_CODES_MAX ||
        !array_reserve(&reader->codes, &reader->code_capacity, number + 1, sizeof *reader->codes))
        return false;
    if (reader->text_size == 0)
        code.text = empty;
    reader->text_size = 0;
    reader->codes[number] = stacks_code(&trace->stacks, &code);
    reader->code_count++;
    return true;
}

static bool apply_node(struct trace *trace, struct reader *reader, uint64_t word,
                       const uint64_t *words) {
    uint64_t number = event_value(word), parent_code = read_word(words);
    int64_t position = (int64_t)read_word(words + 1);
    uint32_t parent = (uint32_t)(parent_code >> 32), code = (uint32_t)parent_code;
    if (number != reader->node_count || number >= LOCAL_NODES_MAX || parent >= reader->node_count ||
        code >= reader->code_count ||
        !table_reserve(&reader->nodes, &reader->node_capacity, number + 1, sizeof *reader->nodes))
        return false;
    struct stack_node node = {reader->nodes[parent].node, reader->codes[code], position};
    if (event_aux(word) == NODE_THREAD) {
        uint32_t tid = (uint32_t)position;
        bool is_main = tid == reader->image->self_pid;
        node = (struct stack_node){0, STACK_THREAD,
                                   is_main ? 0 : (int64_t)reader->image->number << 32 | tid};
    }
    reader->nodes[number] = (struct local_node){.node = stacks_node(&trace->stacks, node)};
    reader->node_count++;
    return true;
}

static bool name_thread(struct reader *reader, uint64_t tid) {
    struct image *image = reader->image;
    if (image->thread_count >= THREADS_MAX)
        return true;
    if (!array_reserve(&image->threads, &image->thread_capacity, (uint64_t)image->thread_count + 1,
                       sizeof *image->threads))
        return false;
    struct thread_name *thread = &image->threads[image->thread_count++];
    *thread = (struct thread_name){.tid = (uint32_t)tid};
    size_t size = reader->text_size;
    if (size >= sizeof thread->name)
        size = sizeof thread->name - 1;
    if (size)
        memcpy(thread->name, reader->text, size);
    return true;
}

static bool has_ended(const struct image *image) {
    struct pollfd poll_end = {.fd = image->pidfd, .events = POLLIN};
    return image->dead || image->pidfd < 0 || poll(&poll_end, 1, 0) == 1;
}

/* The program knows that a child is gone. Of the images with its pid, the newest that has ended is
 * meant: a newer one that lives got the pid after it, older ones were replaced by an exec. */
static void child_was_reaped(struct trace *trace, const struct image *parent, uint64_t value) {
    uint32_t pid = (uint32_t)value;
    for (uint32_t i = trace->image_count; i-- > 0;) {
        struct image *image = trace->images[i];
        if (image == parent || (image->pid != pid && image->self_pid != pid) || !has_ended(image))
            continue;
        image->has_status = true;
        image->status = (int)(value >> 32);
        if (image->state != IMAGE_ENDED)
            drain_end_image(trace, image);
        return;
    }
}

/* Numbers follow each other, so what is kept is bounded by what was sent. */
static bool takers_add(struct reader *reader, uint64_t value) {
    struct image *image = reader->image;
    uint32_t node = (uint32_t)value;
    if (value >> 32 != image->taker_count + 1ull || node >= reader->node_count ||
        !array_reserve(&image->takers, &image->taker_capacity, image->taker_count + 1ull,
                       sizeof *image->takers))
        return false;
    image->takers[image->taker_count++] = reader->nodes[node].node;
    return true;
}

/* A process's main thread is the same one for struct stacks, whatever the process. */
static int64_t stretch_thread(const struct image *image, uint64_t value) {
    uint32_t tid = (uint32_t)(value >> MARK_REGION_BITS);
    return tid == image->self_pid ? 0 : (int64_t)image->number << 32 | tid;
}

static bool apply_mark(struct trace *trace, struct reader *reader, unsigned mark, uint64_t value) {
    struct image *image = reader->image;
    bool taken = true;
    switch (mark) {
    case MARK_EXEC:
        taken = sites_split_tree(&image->sites);
        if (taken && image->state == IMAGE_LIVE)
            image_leave(trace, image);
        break;
    case MARK_EXEC_FAILED:
        if (image->state == IMAGE_EXECING)
            image_return(trace, image);
        break;
    case MARK_REAPED:
        child_was_reaped(trace, image, value);
        break;
    case MARK_THREAD_NAME:
        taken = name_thread(reader, value);
        break;
    case MARK_REGION_BEGIN:
        stretches_begin(trace, image, value & MARK_REGION_NUMBERS, stretch_thread(image, value),
                        reader->text, reader->text_size);
        break;
    case MARK_REGION_BEGIN_ALL:
        stretches_begin(trace, image, value & MARK_REGION_NUMBERS, STRETCH_EVERYBODY, reader->text,
                        reader->text_size);
        break;
    case MARK_REGION_END:
        stretches_end(trace, image, value & MARK_REGION_NUMBERS);
        break;
    case MARK_REGION_PAUSE:
        stretches_pause(image, value & MARK_REGION_NUMBERS);
        break;
    case MARK_REGION_RESUME:
        stretches_resume(image, value & MARK_REGION_NUMBERS, stretch_thread(image, value));
        break;
    case MARK_TAKER:
        taken = takers_add(reader, value);
        break;
    case MARK_TYPE:
        taken = types_name(trace, image, value, reader->text, reader->text_size);
        break;
    case MARK_LIVING:
        taken = living_ask(trace, image, value);
        break;
    case MARK_EXIT:
        image->has_status = true;
        image->status = (int)(value & 255) << 8;
        break;
    default:
        taken = false;
    }
    reader->text_size = 0;
    return taken;
}

static bool apply_ranges(struct trace *trace, struct reader *reader, uint64_t word,
                         const uint64_t *words) {
    uint64_t start = event_value(word), length = read_word(words);
    if (event_op(word) == EVENT_UNMAP)
        return apply_unmap(trace, reader, start, length, event_aux(word) & UNMAP_HELD);
    uint32_t site = apply_site(reader, read_word(words + 1), BLOCK_MAPPED);
    if (site == INDEX_NONE)
        return false;
    if (event_op(word) == EVENT_REMAP)
        return apply_remap(trace, reader, start, length, site);
    struct piece range = {.start = start, .end = start + length, .site = site};
    if (event_op(word) == EVENT_PROTECT)
        return apply_protect(trace, reader->image, range, event_aux(word));
    if (event_aux(word) > MAPPING_ARENA)
        return false;
    range.class = (uint8_t)event_aux(word);
    if (reader->is_gil && range.class == MAPPING_COUNTED)
        reader->image->gil_allocated += length;
    return apply_map(trace, reader->image, range);
}

static bool apply_snapshot(struct trace *trace, struct reader *reader, uint64_t word,
                           const uint64_t *words) {
    uint64_t bytes = read_word(words), node = read_word(words + 1);
    return word & EVENT_TICKET_BIT && node < reader->node_count &&
           snapshots_take(trace, reader->image, event_value(word), event_aux(word), bytes,
                          reader->nodes[node].node);
}

bool apply_record(struct trace *trace, struct reader *reader, uint64_t word,
                  const uint64_t *words) {
    reader->image->events++;
    switch (event_op(word)) {
    case EVENT_ALLOC:
        return apply_alloc(trace, reader, word, words);
    case EVENT_FREE:
        apply_free(trace, reader, word, words);
        return true;
    case EVENT_REALLOC_BEGIN:
        apply_realloc_begin(trace, reader, event_value(word));
        return true;
    case EVENT_REALLOC_END:
        return apply_realloc_end(trace, reader, word, words);
    case EVENT_MAP:
    case EVENT_UNMAP:
    case EVENT_REMAP:
    case EVENT_PROTECT:
        return apply_ranges(trace, reader, word, words);
    case EVENT_NODE:
        return apply_node(trace, reader, word, words);
    case EVENT_TEXT:
        return apply_text(reader, event_value(word), words);
    case EVENT_CODE:
        return apply_code(trace, reader, event_value(word), words);
    case EVENT_MARK:
        return apply_mark(trace, reader, event_aux(word), event_value(word));
    case EVENT_SNAPSHOT:
        return apply_snapshot(trace, reader, word, words);
    default:
        return true; /* PAD; NOTE is the merge's */
    }
}
