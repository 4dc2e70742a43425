/* See liveness.h. */
#include "viewer/liveness.h"

#include <stdlib.h>
#include <string.h>

#include "viewer/bytecode.h"

#define CODE_OPTIMIZED 1u /* of co_flags: its locals are fast ones */
#define STEPS_MAX (1u << 26)

/* -- What makes a frame's locals readable by name ---------------------------------------------- */

/* A function that mentions one of these may have its locals read otherwise than by its own
 * instructions. Some read them in the caller's frame: formulas and expressions that name local
 * variables in a text (numexpr, patsy, Cython). In the order of strcmp(). */
static const char *const own_readers[] = {
    "ag_frame", "breakpoint", "cr_frame",     "dir",      "dmatrices", "dmatrix", "eval",
    "evaluate", "exec",       "from_formula", "gi_frame", "inline",    "locals",  "vars"};

/* These read the frames further out as well, and so the locals of those who called the function
 * that mentions one: queries and matrices that name variables in a text (duckdb, numpy, pandas,
 * polars), and tools that stop in a frame. In the order of strcmp(). */
static const char *const outward_readers[] = {"_current_frames",
                                              "_getframe",
                                              "bmat",
                                              "c_",
                                              "capture_locals",
                                              "currentframe",
                                              "embed",
                                              "execute",
                                              "executemany",
                                              "f_back",
                                              "f_locals",
                                              "from_query",
                                              "getinnerframes",
                                              "getouterframes",
                                              "inspect",
                                              "interact",
                                              "pdb",
                                              "post_mortem",
                                              "query",
                                              "query_df",
                                              "r_",
                                              "set_trace",
                                              "setprofile",
                                              "settrace",
                                              "sql",
                                              "tb_frame"};

static int compare_texts(const void *left, const void *right) {
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static bool names_one_of(const struct graph *graph, const struct graph_code *code,
                         const char *const *list, size_t count) {
    for (uint32_t i = 0; i < code->name_count; i++) {
        const char *name = graph->texts[code->names[i]];
        if (bsearch(&name, list, count, sizeof *list, compare_texts))
            return true;
    }
    return false;
}

static bool names_an_outward_reader(const struct graph *graph, const struct graph_code *code) {
    return names_one_of(graph, code, outward_readers,
                        sizeof outward_readers / sizeof *outward_readers);
}

bool liveness_reads_callers(const struct graph *graph, uint32_t code) {
    return names_an_outward_reader(graph, &graph->codes[code]);
}

static bool names_a_reader(const struct graph *graph, const struct graph_code *code) {
    return names_an_outward_reader(graph, code) ||
           names_one_of(graph, code, own_readers, sizeof own_readers / sizeof *own_readers);
}

/* super() without arguments reads the frame's first local; whatever it is called by, it needs
 * __class__. */
static bool may_call_super(const struct graph *graph, const struct graph_code *code) {
    for (uint32_t i = 0; i < code->local_count; i++)
        if (code->local_kinds[i] & GRAPH_FREE_VARIABLE &&
            strcmp(graph->texts[code->local_names[i]], "__class__") == 0)
            return true;
    return false;
}

/* -- What an instruction does to locals -------------------------------------------------------- */

struct access {
    uint32_t local;
    bool writes;
};

/* In the order in which they happen. */
static uint32_t accesses_of(const struct instruction *one, struct access *accesses) {
    const uint8_t *kinds = one->opcode->locals;
    if (kinds[0] == LOCAL_NONE)
        return 0;
    bool two = kinds[1] != LOCAL_NONE;
    accesses[0] =
        (struct access){two ? one->argument >> 4 : one->argument, kinds[0] == LOCAL_WRITE};
    accesses[1] = (struct access){one->argument & 15, kinds[1] == LOCAL_WRITE};
    return two ? 2 : 1;
}

static bool locals_are_valid(const struct bytecode *bytecode, uint32_t local_count) {
    for (uint32_t i = 0; i < bytecode->count; i++) {
        const struct instruction *one = &bytecode->instructions[i];
        struct access accesses[2];
        uint32_t count = accesses_of(one, accesses);
        for (uint32_t j = 0; j < count; j++)
            if (accesses[j].local >= local_count)
                return false;
        if (one->opcode->flags & OPCODE_CELL && one->argument >= local_count)
            return false;
    }
    return true;
}

/* -- Dataflow, 64 locals at a time ------------------------------------------------------------- */

struct pass {
    const struct bytecode *bytecode;
    uint64_t *live;    /* by instruction: what may be read from its beginning on */
    uint32_t word;     /* locals 64 * word and on */
    uint64_t returned; /* live where a finally block that was called may return to */
    uint64_t steps;
};

static uint64_t bit_of(const struct pass *pass, uint32_t local) {
    return local / 64 == pass->word ? 1ull << local % 64 : 0;
}

static uint64_t live_at(const struct pass *pass, uint32_t index) {
    return index < pass->bytecode->count ? pass->live[index] : 0;
}

/* What may be read after an instruction, along any edge but an exception's. */
static uint64_t live_after(const struct pass *pass, uint32_t index) {
    const struct instruction *one = &pass->bytecode->instructions[index];
    uint16_t flags = one->opcode->flags;
    uint64_t live = live_at(pass, one->jump);
    if (!(flags & (OPCODE_ENDS | OPCODE_CALLS_FINALLY)))
        live |= live_at(pass, index + 1);
    if (flags & OPCODE_RETURNS_FINALLY)
        live |= pass->returned;
    return live;
}

/* An exception may come before an instruction has written anything, so what the handler reads is
 * live before it too. */
static uint64_t live_before(const struct pass *pass, uint32_t index) {
    const struct instruction *one = &pass->bytecode->instructions[index];
    struct access accesses[2];
    uint64_t live = live_after(pass, index);
    for (uint32_t i = accesses_of(one, accesses); i-- > 0;) {
        uint64_t bit = bit_of(pass, accesses[i].local);
        live = accesses[i].writes ? live & ~bit : live | bit;
    }
    return live | live_at(pass, one->handler);
}

/* While the instruction is being executed: its own locals too, since it may not have read them yet,
 * or be busy destroying what was there before. */
static uint64_t live_within(const struct pass *pass, uint32_t index) {
    const struct instruction *one = &pass->bytecode->instructions[index];
    struct access accesses[2];
    uint64_t live = live_after(pass, index) | live_at(pass, one->handler);
    for (uint32_t i = accesses_of(one, accesses); i-- > 0;)
        live |= bit_of(pass, accesses[i].local);
    return live;
}

/* Until nothing changes; false when that takes too long. */
static bool spread(struct pass *pass) {
    for (bool changed = true; changed;) {
        changed = false;
        pass->steps += pass->bytecode->count;
        if (pass->steps > STEPS_MAX)
            return false;
        for (uint32_t i = pass->bytecode->count; i-- > 0;) {
            uint64_t live = live_before(pass, i);
            changed |= live != pass->live[i];
            pass->live[i] = live;
            if (pass->bytecode->instructions[i].opcode->flags & OPCODE_CALLS_FINALLY)
                pass->returned |= live_at(pass, i + 1);
        }
    }
    return true;
}

static bool find_live(struct pass *pass, uint32_t index, uint32_t local_count, bool *live) {
    const struct bytecode *bytecode = pass->bytecode;
    for (pass->word = 0; pass->word * 64 < local_count; pass->word++) {
        memset(pass->live, 0, bytecode->count * sizeof *pass->live);
        pass->returned = 0;
        if (!spread(pass))
            return false;
        uint64_t found = live_within(pass, index);
        if (bytecode->instructions[index].with_next && index + 1 < bytecode->count)
            found |= live_within(pass, index + 1);
        for (uint32_t i = 0; i < 64 && pass->word * 64 + i < local_count; i++)
            live[pass->word * 64 + i] = found >> i & 1;
    }
    return true;
}

/* ---------------------------------------------------------------------------------------------- */

/* Locals that others can see, or that an instruction reads without saying so. */
static void add_shared(const struct graph *graph, const struct graph_code *code,
                       const struct bytecode *bytecode, bool *live) {
    for (uint32_t i = 0; i < code->local_count; i++) {
        uint8_t kind = code->local_kinds[i];
        if (kind & (GRAPH_CELL_VARIABLE | GRAPH_FREE_VARIABLE) || !(kind & GRAPH_LOCAL))
            live[i] = true;
    }
    for (uint32_t i = 0; i < bytecode->count; i++)
        if (bytecode->instructions[i].opcode->flags & OPCODE_CELL)
            live[bytecode->instructions[i].argument] = true;
    if (code->local_count > 0 && may_call_super(graph, code))
        live[0] = true;
}

static enum liveness_why find(const struct graph *graph, const struct graph_code *code,
                              const struct bytecode *bytecode, int32_t position,
                              struct liveness *liveness) {
    if (!locals_are_valid(bytecode, code->local_count))
        return LIVENESS_DAMAGED;
    uint32_t index = bytecode_at(bytecode, position);
    if (index == NO_INSTRUCTION || !bytecode->instructions[index].reached)
        return LIVENESS_POSITION;
    liveness->stack_depth = bytecode->instructions[index].depth;
    if (!(code->flags & CODE_OPTIMIZED))
        return LIVENESS_CODE;
    if (names_a_reader(graph, code))
        return LIVENESS_NAMES;
    struct pass pass = {.bytecode = bytecode, .live = malloc(bytecode->count * sizeof *pass.live)};
    bool found = pass.live && find_live(&pass, index, code->local_count, liveness->live);
    free(pass.live);
    if (!found)
        return LIVENESS_MEMORY;
    add_shared(graph, code, bytecode, liveness->live);
    return LIVENESS_KNOWN;
}

static enum liveness_why read_and_find(const struct graph *graph, const struct graph_code *code,
                                       int32_t position, struct liveness *liveness) {
    static const enum liveness_why whys[] = {
        [BYTECODE_VERSION] = LIVENESS_VERSION,
        [BYTECODE_DAMAGED] = LIVENESS_DAMAGED,
        [BYTECODE_MEMORY] = LIVENESS_MEMORY,
    };
    if (code->instruction_bytes == 0)
        return LIVENESS_CODE;
    struct bytecode bytecode;
    enum bytecode_state state = bytecode_read(code, graph->python_minor, &bytecode);
    enum liveness_why why =
        state == BYTECODE_WHOLE ? find(graph, code, &bytecode, position, liveness) : whys[state];
    bytecode_release(&bytecode);
    return why;
}

void liveness_find(const struct graph *graph, uint32_t code_number, int32_t position,
                   struct liveness *liveness) {
    const struct graph_code *code = &graph->codes[code_number];
    size_t locals = code->local_count ? code->local_count : 1;
    *liveness = (struct liveness){
        .why = LIVENESS_MEMORY, .live = malloc(locals * sizeof(bool)), .stack_depth = -1};
    if (!liveness->live)
        return;
    liveness->why = read_and_find(graph, code, position, liveness);
    if (liveness->why != LIVENESS_KNOWN)
        memset(liveness->live, true, locals * sizeof(bool));
}

void liveness_release(struct liveness *liveness) {
    free(liveness->live);
    *liveness = (struct liveness){.why = LIVENESS_MEMORY, .stack_depth = -1};
}
