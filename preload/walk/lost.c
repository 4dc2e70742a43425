/* References that nobody can give back any more: of an object, those that its count has more than
 * there are words in memory that hold its address.
 *
 * Who is to give a reference back has the object's address somewhere: in another object, in native
 * memory, in a variable, on a stack. So all memory that the program can write is looked through,
 * word by word. A word that means nothing (left over in freed memory, or borrowed) only makes fewer
 * references lost; what would make more is an address that is nowhere as such: in a register of
 * another thread, or packed. Of that there are few, and readers tell many alone
 * (docs/references.md).
 *
 * Looked for among objects that are known to live: those that the cycle collector knows, or that
 * are reached from there, and those that modules have taken by calls (refs/).
 */
#include "heap.h"

#include "../refs/refs.h"

#define PAGE ((uintptr_t)4096)
#define WORDS_MAX ((uint64_t)1 << 29) /* 4 GiB: some seconds */
#define ROWS_MAX (1u << 20)

/* Of more, most are none: objects of 3.11 that are part of the program begin with 999,999,999. */
#define COUNT_MAX (1u << 29)

#define ADDRESS_TAGS ((uintptr_t)7) /* bits of a word that holds an address, and more */

struct scan {
    uint32_t *words; /* by object: that hold its address */
    uint64_t budget;
};

/* Before what may be no object is named: the objects that modules have taken. */
void lost_name(struct walk *walk) {
    if (!walk->request->ranges)
        return;
    for (uint32_t i = 0; refs && i < REFS_TAKES; i++) {
        const char *object = refs->takes[i].object;
        if (object && object_plausible(walk, object))
            name_object(walk, object);
    }
    walk->living = walk->named;
}

/* -- Words -- */

static void look_at_page(struct walk *walk, struct scan *scan, const char *from, const char *to) {
    for (; from + 8 <= to; from += 8) {
        const char *address = (const char *)(word_at(from, 0) & ~(uint64_t)ADDRESS_TAGS);
        if (!may_be_object(walk, address))
            continue;
        uint32_t number = number_of(walk, address);
        if (number)
            scan->words[number]++;
    }
}

/* Memory of ours, and what is below the top of the stack. */
static const struct walk_range *left_out(const struct walk_request *request, uintptr_t page) {
    for (uint32_t i = 0; i < WALK_RANGES_NOT; i++)
        if (page >= request->not_these[i].from && page < request->not_these[i].to)
            return &request->not_these[i];
    return NULL;
}

static void look_at_range(struct walk *walk, struct scan *scan, const struct walk_range *range) {
    uintptr_t from = range->from;
    while (from < range->to && scan->budget >= PAGE / 8) {
        const struct walk_range *not_this = left_out(walk->request, from);
        if (not_this) {
            from = not_this->to;
            continue;
        }
        uintptr_t to = (from & ~(PAGE - 1)) + PAGE;
        scan->budget -= PAGE / 8;
        if (memory_readable(walk, (const char *)from, 8))
            look_at_page(walk, scan, (const char *)from, (const char *)to);
        from = to;
    }
}

/* -- What is told -- */

static uint32_t module_text(struct walk *walk, uint32_t module) {
    return text_of_string(walk, refs->modules[module].path);
}

/* What a parent has taken and not given back is its loss, not its forked child's. */
static void explain_inherited(struct walk *walk, struct scan *scan) {
    for (uint32_t i = 0; i < REFS_TAKES; i++) {
        const struct refs_take *take = &refs->takes[i];
        uint32_t number = take->object && take->row == 0 ? number_of(walk, take->object) : 0;
        if (number)
            scan->words[number] += take->count;
    }
}

static void tell_lost(struct walk *walk, const struct scan *scan) {
    uint32_t rows = 0;
    for (uint32_t number = 1; number <= walk->living && !walk->cut && rows < ROWS_MAX; number++) {
        const char *object = (const char *)(uintptr_t)(entry_of(walk, number) & ~(uint64_t)MARKS);
        uint64_t count = object_count(object), words = scan->words[number];
        if (count <= words || count > COUNT_MAX)
            continue;
        graph_put(walk->writer, GRAPH_LOST, number);
        graph_put(walk->writer, GRAPH_LOST, count - words);
        rows++;
    }
}

static void tell_takes(struct walk *walk) {
    for (uint32_t i = 0; i < REFS_TAKES && !walk->cut; i++) {
        const struct refs_take *take = &refs->takes[i];
        uint32_t number = take->object && take->row ? number_of(walk, take->object) : 0;
        if (!number || number > walk->living)
            continue;
        uint32_t module = refs->rows[take->row].module;
        bool nameless = module == REFS_MODULES - 1;
        graph_put(walk->writer, GRAPH_TAKES, number);
        graph_put(walk->writer, GRAPH_TAKES, nameless ? 0 : module_text(walk, module));
        graph_put(walk->writer, GRAPH_TAKES, take->taker);
        graph_put(walk->writer, GRAPH_TAKES, take->count);
    }
}

/* The type's whole name, if it lives. */
static uint32_t row_name(struct walk *walk, const struct refs_row *row) {
    if (number_of(walk, row->type) && object_plausible(walk, row->type))
        return type_name(walk, row->type);
    return text_of_string(walk, row->name);
}

static void tell_balances(struct walk *walk) {
    for (uint32_t i = 1; i < REFS_ROWS && !walk->cut; i++) {
        const struct refs_row *row = &refs->rows[i];
        if (!row->type)
            continue;
        graph_put(walk->writer, GRAPH_BALANCES, module_text(walk, row->module));
        graph_put(walk->writer, GRAPH_BALANCES, row_name(walk, row));
        graph_put(walk->writer, GRAPH_BALANCES, row->taken);
        graph_put(walk->writer, GRAPH_BALANCES, row->given);
        graph_put(walk->writer, GRAPH_BALANCES, row->ended);
    }
}

static void tell_seen(struct walk *walk, const struct scan *scan) {
    uint32_t calling = 0;
    for (uint32_t i = 0; i < refs->module_count; i++)
        calling += refs->modules[i].takes;
    graph_put(walk->writer, GRAPH_SEEN, scan->budget >= PAGE / 8);
    graph_put(walk->writer, GRAPH_SEEN, refs->looked_at);
    graph_put(walk->writer, GRAPH_SEEN, calling);
    graph_put(walk->writer, GRAPH_SEEN, refs->left_out);
    graph_put(walk->writer, GRAPH_SEEN, refs_deaths_traced());
}

void lost_tell(struct walk *walk) {
    const struct walk_request *request = walk->request;
    if (!request->ranges || !refs || walk->cut)
        return;
    struct scan scan = {.budget = WORDS_MAX};
    scan.words = pool_take(walk, (walk->named + 1ul) * sizeof *scan.words);
    if (!scan.words)
        return;
    for (uint32_t i = 0; i < request->range_count; i++)
        look_at_range(walk, &scan, &request->ranges[i]);
    explain_inherited(walk, &scan);
    if (scan.budget >= PAGE / 8)
        tell_lost(walk, &scan);
    tell_takes(walk);
    tell_balances(walk);
    tell_seen(walk, &scan);
}
