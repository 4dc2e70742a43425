/* The library's stacks against a plain model: a made-up interpreter, whose frames come and go, and
 * a made-up ring, whose definitions are read back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "preload/code.h"
#include "preload/follow.h"
#include "preload/seccomp.h"
#include "preload/thread.h"
#include "preload/trie.h"

enum {
    LOCALS = 2,
    STACK = 3,
    CODES = 40,
    CODE_SIZE = 100,
    DEPTH_MAX = 8000,
    NODES_MAX = 1 << 20,
    TEXT_MAX = 8 << 20
};

struct fake_type {
    unsigned long flags;
};

struct fake_text {
    struct fake_type *type;
    uint64_t length;
    uint32_t state; /* width | compact << 3 | ascii << 4 */
    const void *data;
};

struct fake_bytes {
    struct fake_type *type;
    int64_t size;
    char data[16];
};

struct fake_code {
    struct fake_type *type;
    int64_t size;
    struct fake_bytes *local_names;
    int stack_size;
    struct fake_text *name, *file;
    struct fake_bytes *lines, *bytes;
    int first_line, first_traceable;
    char start[CODE_SIZE * 2];
};

struct fake_frame {
    struct fake_code *code;
    struct fake_frame *previous;
    uintptr_t position;
    int last;
    uint8_t owner, is_entry;
    int stack_top;            /* 3.11 to 3.13: while a Python function is called, else -1 */
    uintptr_t *stack_pointer; /* 3.14 */
    uintptr_t slots[LOCALS + STACK];
};

/* From 3.11 to 3.12 the state points to a place that points to the frame. */
struct fake_state {
    uint64_t thread_id;
    struct fake_frame *frame;
    void *cframe;
};

static struct fake_type code_type, text_type = {1ul << 28}, bytes_type = {1ul << 27};
static struct fake_state interpreter;
static const void *runtime[2];

/* What the ring has defined. `code` of a node is the code's number, `serial` the code object's own.
 */
struct fake_ring {
    struct writer writer;
    struct ring header;
    uint64_t record[EVENT_MAX_WORDS];
    uint64_t read; /* position up to which records have been read */
    bool full;
    uint32_t node_count, code_count;
    struct {
        uint32_t parent, code;
        int32_t position;
    } nodes[NODES_MAX];
    uint32_t first_lines[1 << 16];
    uint32_t name_bytes, file_bytes, table_bytes;
    uint32_t text_bytes, text_start;
    char text[TEXT_MAX];
};

static struct fake_ring ring;
static struct fake_code codes[CODES];
/* By depth; a generator's may be where a called function's could have been. */
static struct fake_frame stack_frames[DEPTH_MAX], heap_frames[DEPTH_MAX];
static struct fake_frame *frames[DEPTH_MAX];
static uint32_t depth;
static uint32_t next_serial = 1;

struct process process;
_Atomic uint32_t seccomp_lost;
_Thread_local struct thread self;
struct python python;
static uint32_t distrusted;

void python_distrust(void) {
    python.present = false;
    distrusted++;
}

void filter_add(const void *address, enum filter_flag flag) {
    (void)address;
    (void)flag;
}

/* Reads what has been committed since the last call; the writer never has room for a second record.
 */
static void ring_read(void) {
    if (ring.writer.tail == ring.read)
        return;
    const uint64_t *record = ring.record;
    assert_int_equal((ring.writer.tail - ring.read) / 8, event_words(record[0]));
    ring.read = ring.writer.tail;
    uint32_t value = (uint32_t)event_value(record[0]);
    if (event_op(record[0]) == EVENT_TEXT) {
        memcpy(ring.text + ring.text_bytes, record + 1, value);
        ring.text_bytes += value;
    } else if (event_op(record[0]) == EVENT_CODE) {
        assert_int_equal(value, ++ring.code_count);
        ring.first_lines[value] = (uint32_t)(record[1] >> 32);
        ring.name_bytes = (uint32_t)(record[2] >> 32);
        ring.file_bytes = (uint32_t)record[2];
        ring.table_bytes = (uint32_t)record[3];
        assert_int_equal(ring.text_bytes, ring.name_bytes + ring.file_bytes + ring.table_bytes);
        ring.text_bytes = 0;
    } else {
        assert_int_equal(event_op(record[0]), EVENT_NODE);
        assert_int_equal(value, ++ring.node_count);
        ring.nodes[value].parent = (uint32_t)(record[1] >> 32);
        ring.nodes[value].code = (uint32_t)record[1];
        ring.nodes[value].position = (int32_t)record[2];
        assert_true(ring.nodes[value].parent < value);
        assert_true(ring.nodes[value].code <= ring.code_count);
    }
}

uint64_t *writer_reserve_slowly(struct writer *writer, uint32_t words) {
    assert_true(writer == &ring.writer && words <= EVENT_MAX_WORDS);
    ring_read();
    return ring.full ? NULL : ring.record;
}

static uint32_t current_node(void) {
    uint32_t node = stack_node(&self, &ring.writer);
    ring_read();
    return node;
}

static void *fake_current(void) {
    return &interpreter;
}

static struct fake_text *text(const void *data, uint64_t length, uint32_t state) {
    static struct fake_text texts[16];
    static uint32_t used;
    struct fake_text *made = &texts[used++ % 16];
    *made = (struct fake_text){&text_type, length, state, data};
    return made;
}

/* Another code object at the same address; known from all others by its first line. */
static void code_renew(struct fake_code *code) {
    static struct fake_text name = {&text_type, 1, 1, "f"};
    static struct fake_bytes lines = {&bytes_type, 3, "abc"};
    static struct fake_bytes bytes = {&bytes_type, CODE_SIZE * 2, ""};
    static struct fake_bytes locals = {.size = LOCALS};
    *code = (struct fake_code){.type = &code_type,
                               .size = CODE_SIZE,
                               .name = &name,
                               .file = &name,
                               .lines = &lines,
                               .bytes = &bytes,
                               .local_names = &locals,
                               .stack_size = STACK,
                               .first_traceable = 2,
                               .first_line = (int)next_serial++};
}

static void take_layout(uint32_t minor) {
    python.at = (struct python_offsets){
        .minor = minor,
        .type = offsetof(struct fake_code, type),
        .size = offsetof(struct fake_code, size),
        .runtime_main_thread = sizeof runtime[0],
        .thread_id = offsetof(struct fake_state, thread_id),
        .thread_frame = minor == 11 || minor == 12 ? offsetof(struct fake_state, cframe)
                                                   : offsetof(struct fake_state, frame),
        .frame_previous = offsetof(struct fake_frame, previous),
        .frame_code = offsetof(struct fake_frame, code),
        .frame_owner = offsetof(struct fake_frame, owner),
        .frame_is_entry = minor == 11 ? offsetof(struct fake_frame, is_entry) : 0,
        .frame_locals = offsetof(struct fake_frame, slots),
        .frame_stack_top = minor < 14 ? offsetof(struct fake_frame, stack_top) : 0,
        .frame_stack_pointer = minor >= 14 ? offsetof(struct fake_frame, stack_pointer) : 0,
        .code_stack_size = offsetof(struct fake_code, stack_size),
        .code_local_names = offsetof(struct fake_code, local_names),
        .frame_position =
            minor <= 10 ? offsetof(struct fake_frame, last) : offsetof(struct fake_frame, position),
        .code_name = offsetof(struct fake_code, name),
        .code_file = offsetof(struct fake_code, file),
        .code_lines = offsetof(struct fake_code, lines),
        .code_bytes = offsetof(struct fake_code, bytes),
        .code_start = offsetof(struct fake_code, start),
        .code_first_line = offsetof(struct fake_code, first_line),
        .code_first_traceable = offsetof(struct fake_code, first_traceable),
        .bytes_data = offsetof(struct fake_bytes, data),
        .text_length = offsetof(struct fake_text, length),
        .text_state = offsetof(struct fake_text, state),
        .text_compact_shift = 3,
        .text_ascii_shift = 4,
        .text_data = offsetof(struct fake_text, data),
    };
}

static void begin(uint32_t minor) {
    take_layout(minor);
    python.found = python.present = python.has_gil = true;
    python.current = python.own_state = fake_current;
    python.code_type = &code_type;
    python.runtime = (const char *)runtime;
    interpreter = (struct fake_state){.thread_id = 77, .cframe = &interpreter.frame};
    trie_release(&ring.writer.trie);
    stack_cache_release(&self.gil_cache);
    stack_cache_release(&ring.writer.cache);
    memset(&ring, 0, sizeof ring);
    ring.writer.ring = &ring.header;
    self.tid = 42;
    self.pthread = 77;
    depth = 0;
    distrusted = 0;
    for (int i = 0; i < CODES; i++)
        code_renew(&codes[i]);
}

static void move_to(struct fake_frame *frame, int unit) {
    frame->last = python.at.minor == 10 ? unit : unit * 2;
    frame->position = (uintptr_t)frame->code->start + (uintptr_t)(intptr_t)(unit * 2);
}

/* What is called was on the value stack, at a height that the instruction decides. */
static void suspend(struct fake_frame *frame, bool by_python) {
    int top = LOCALS + (int)(frame->position / 2 % STACK);
    frame->slots[top] = (uintptr_t)&codes[0];
    frame->stack_top = by_python ? top : -1;
    frame->stack_pointer = &frame->slots[by_python ? top : LOCALS];
}

/* Every seventh frame is called by C, by a shim of its own from 3.12 on. */
static bool is_called_by_c(void) {
    return depth % 7 == 6;
}

static struct fake_frame *choose_frame(void) {
    bool generator = !is_called_by_c() && rand() % 8 == 0;
    return generator ? &heap_frames[depth] : &stack_frames[depth];
}

/* What was on a frame's stack at its address stays there, since nothing reads it. */
static void push(struct fake_code *code, int unit) {
    struct fake_frame *frame = choose_frame(), *caller = depth ? frames[depth - 1] : NULL;
    frame->code = code;
    frame->previous = caller;
    bool by_c = is_called_by_c(), generator = frame == &heap_frames[depth];
    frame->owner = python.at.minor >= 12 && by_c ? FRAME_OWNER_SHIM : generator;
    frame->is_entry = by_c;
    frame->stack_top = -1;
    frame->stack_pointer = NULL;
    if (caller)
        suspend(caller, !by_c && !generator);
    move_to(frame, unit);
    interpreter.frame = frame;
    frames[depth++] = frame;
}

/* A result is put where what was called had been. */
static void pop(void) {
    struct fake_frame *caller = --depth ? frames[depth - 1] : NULL;
    interpreter.frame = caller;
    if (caller && caller->stack_top >= 0)
        caller->slots[caller->stack_top] = (uintptr_t)&codes[1];
    if (caller)
        caller->stack_top = -1;
}

/* By an exception: there are no results, and the frame that handles it goes on elsewhere. */
static void unwind(uint32_t count) {
    depth -= count;
    interpreter.frame = depth ? frames[depth - 1] : NULL;
    if (depth == 0)
        return;
    interpreter.frame->stack_top = -1;
    move_to(interpreter.frame, interpreter.frame->position / 2 % 2 ? 6 : 7);
}

/* The position that a frame should be reported at. */
static int32_t position_of(const struct fake_frame *frame) {
    int unit = (int)(intptr_t)(frame->position - (uintptr_t)frame->code->start) / 2;
    return unit < (python.at.minor <= 10 ? 0 : 2) ? FRAME_NOT_BEGUN : unit * 2;
}

/* How often the last stack was known again, and one by what the last ones have left. */
static uint32_t known_again, known_near;

/* As the hooks do where they can; else 0. The cache then stays as it is. */
static uint32_t hot_node(void) {
    struct stack_cache *cache = &ring.writer.cache;
    const char *frame = (const char *)interpreter.frame;
    if (!frame)
        return 0;
    uint32_t again = stack_again(&python.at, &cache->top, frame);
    uint32_t node = again ? again : find_near(&python.at, cache, &ring.writer.trie, frame);
    known_again += again != 0;
    known_near += !again && node;
    return node;
}

/* The node is that of the stack as it is. */
static void check_node(uint32_t node) {
    for (uint32_t i = depth; i-- > 0;) {
        if (frames[i]->owner == FRAME_OWNER_SHIM)
            continue;
        assert_true(node != 0);
        assert_int_equal(ring.first_lines[ring.nodes[node].code], frames[i]->code->first_line);
        assert_int_equal(ring.nodes[node].position, position_of(frames[i]));
        node = ring.nodes[node].parent;
    }
    assert_int_equal(ring.nodes[node].code, 0);
    assert_int_equal(ring.nodes[node].parent, 0);
    assert_int_equal(ring.nodes[node].position, 42);
    assert_int_equal(distrusted, 0);
}

static void check_now(void) {
    uint32_t node = rand() % 4 ? hot_node() : 0;
    check_node(node ? node : current_node());
}

/* Some allocations in one frame, of which the last ones know their stack again. */
static void check_some(void) {
    for (int n = 0; n < 12; n++) {
        if (n < 3)
            move_to(frames[depth - 1], 3 + rand() % 2);
        check_now();
    }
}

static void random_calls(uint32_t minor, int rounds, uint32_t deepest, uint32_t burst) {
    begin(minor);
    for (int round = 0; round < rounds; round++) {
        uint32_t returns = (uint32_t)rand() % burst, calls = (uint32_t)rand() % burst;
        while (returns-- > 0 && depth > 0)
            pop();
        if (depth > 0)
            move_to(frames[depth - 1], rand() % CODE_SIZE);
        while (calls-- > 0 && depth < deepest)
            push(&codes[rand() % CODES], rand() % (CODE_SIZE + 1) - 1);
        check_now();
    }
}

static void test_random(void **state) {
    (void)state;
    static const uint32_t minors[] = {9, 10, 11, 12, 13, 14};
    for (size_t i = 0; i < sizeof minors / sizeof minors[0]; i++) {
        random_calls(minors[i], 20000, 12, 4);
        random_calls(minors[i], 3000, 300, 40);
    }
}

/* Deep stacks are not compared to their ends. */
static void test_deep(void **state) {
    (void)state;
    static const uint32_t minors[] = {10, 12};
    for (size_t i = 0; i < sizeof minors / sizeof minors[0]; i++) {
        begin(minors[i]);
        while (depth < DEPTH_MAX / 2) {
            push(&codes[rand() % CODES], 5 + rand() % 3);
            if (depth % 16 == 0)
                check_now();
        }
        for (int round = 0; round < 1500; round++) {
            uint32_t much = rand() % 20 ? 50 : 1500;
            for (uint32_t n = (uint32_t)rand() % much; n > 0 && depth > 100; n--)
                pop();
            move_to(frames[depth - 1], rand() % CODE_SIZE);
            for (uint32_t n = (uint32_t)rand() % much; n > 0 && depth < DEPTH_MAX; n--)
                push(&codes[rand() % CODES], rand() % CODE_SIZE);
            check_now();
        }
    }
}

/* So many more than are compared: the same ones at each call, generators among them. */
static void push_many(void) {
    srand(7);
    while (depth < 2400)
        push(&codes[1], 5);
}

/* A frame that is known again without being followed calls many others from two places in turn. */
static void test_deep_again(void **state) {
    (void)state;
    static const uint32_t minors[] = {9, 10, 11, 12, 13, 14};
    for (size_t i = 0; i < sizeof minors / sizeof minors[0]; i++) {
        begin(minors[i]);
        push(&codes[0], 3);
        known_again = 0;
        for (int round = 0; round < 200; round++) {
            move_to(frames[0], 3 + round / 3 % 2);
            uint32_t node = hot_node();
            check_node(node ? node : current_node());
            if (round < 20 || round % 5)
                continue;
            push_many();
            check_node(current_node());
            while (depth > 1)
                pop();
        }
        assert_true(known_again > 50);
    }
}

/* Few functions, which call each other from two places each: stacks that look alike often, although
 * outer frames have gone on. Marks have to tell. */
static void test_marks(void **state) {
    (void)state;
    static const uint32_t minors[] = {11, 12, 13, 14};
    for (size_t i = 0; i < sizeof minors / sizeof minors[0]; i++) {
        begin(minors[i]);
        uint32_t marked = 0;
        known_again = known_near = 0;
        for (int round = 0; round < 60000; round++) {
            uint32_t returns = (uint32_t)rand() % (rand() % 4 ? 3 : 70);
            uint32_t calls = returns + (uint32_t)rand() % 3;
            if (rand() % 8 == 0 && returns < depth)
                unwind(returns);
            else
                while (returns-- > 0 && depth > 1)
                    pop();
            if (depth > 0 && rand() % 2)
                move_to(frames[depth - 1], 3 + rand() % 2);
            while (calls-- > 0 && depth < 60)
                push(&codes[0], 3 + (rand() % 20 == 0));
            if (rand() % 8 == 0)
                check_some();
            check_now();
            for (uint32_t frame = 0; frame < depth; frame++)
                for (int slot = 0; slot < LOCALS + STACK; slot++)
                    marked += frames[frame]->slots[slot] >> 32 == 0x48464d4b;
        }
        assert_true(marked > 60000);
        assert_true(known_again > 10000);
        assert_true(known_near > 10000);
    }
}

/* Code objects end and others take their addresses. */
static void reuse_codes(uint32_t minor) {
    begin(minor);
    known_again = known_near = 0;
    for (int round = 0; round < 5000; round++) {
        while (depth > 0)
            pop();
        /* Now and then more than a trie can learn of one by one. */
        for (int n = rand() % 500 ? rand() % 4 : 1500; n > 0; n--) {
            struct fake_code *code = &codes[rand() % CODES];
            stack_code_freed(code);
            code_renew(code);
        }
        for (int n = rand() % 10; n >= 0; n--)
            push(&codes[rand() % CODES], 3);
        check_now();
        if (depth == 1 || depth % 7 <= 1)
            check_some();
    }
    assert_true(ring.writer.trie.code_capacity <= 256);
    assert_true(known_again > 2000);
    assert_true(known_near > 1000 || minor <= 10);
}

static void test_reused_code(void **state) {
    (void)state;
    reuse_codes(10);
    reuse_codes(12);
}

/* Stamps begin anew: what was known under the same one before is not known again. */
static void stamps_begin_anew(uint32_t minor) {
    begin(minor);
    ring.writer.trie.shortcut_stamp -= TRIE_STAMP_ONE; /* a cache that is new forgets all */
    push(&codes[0], 3);
    check_now();
    assert_int_equal(ring.writer.trie.shortcut_stamp, 0);
    ring.writer.trie.shortcut_stamp -= TRIE_STAMP_ONE;
    stack_code_freed(&codes[0]);
    code_renew(&codes[0]);
    check_now();
    assert_int_equal(ring.writer.trie.shortcut_stamp, 0);
}

static void test_stamps(void **state) {
    (void)state;
    stamps_begin_anew(10);
    stamps_begin_anew(12);
}

static uint32_t number;

static void check_text(const void *data, uint64_t length, uint32_t width, const char *utf8) {
    begin(12);
    codes[0].name = text("g", 1, 1);
    codes[0].file = text(data, length, width);
    assert_true(code_check((const char *)&codes[0]));
    assert_true(code_define(&ring.writer, (const char *)&codes[0], ++number));
    ring_read();
    assert_int_equal(ring.file_bytes, strlen(utf8));
    assert_memory_equal(ring.text + ring.name_bytes, utf8, ring.file_bytes);
}

static void test_texts(void **state) {
    (void)state;
    static const uint16_t wide[] = {'a', 0xe9, 0x20ac, 0xd800};
    static const uint32_t widest[] = {'z', 0x1f600};
    static char repeated[3000 * 2 + 1], latin[3000];
    number = 0;
    check_text("", 0, 1, "");
    number = 0;
    check_text("abc", 3, 1, "abc");
    number = 0;
    check_text("\xe9", 1, 1, "\xc3\xa9");
    number = 0;
    check_text(wide, 4, 2, "a\xc3\xa9\xe2\x82\xac\xed\xa0\x80");
    number = 0;
    check_text(widest, 2, 4, "z\xf0\x9f\x98\x80");
    /* Longer than a record and than what is kept: cut between characters. */
    for (int i = 0; i < 3000; i++) {
        latin[i] = (char)0xe9;
        if (i < 2048)
            memcpy(repeated + 2 * i, "\xc3\xa9", 2);
    }
    number = 0;
    check_text(latin, 3000, 1, repeated);
}

static void test_distrust(void **state) {
    (void)state;
    begin(12);
    push(&codes[0], 5);
    uint32_t whole = current_node();
    struct fake_code *impostor = &codes[1];
    impostor->type = &text_type;
    push(impostor, 5);
    uint32_t thread = current_node();
    assert_int_equal(distrusted, 1);
    assert_int_not_equal(thread, whole);
    assert_int_equal(ring.nodes[thread].code, 0);

    begin(12);
    push(&codes[0], CODE_SIZE + 1);
    assert_int_equal(ring.nodes[current_node()].code, 0);
    assert_int_equal(distrusted, 1);
}

/* A ring that takes nothing more must not leave half a definition behind. */
static void test_full_ring(void **state) {
    (void)state;
    begin(12);
    push(&codes[0], 5);
    check_now();
    push(&codes[1], 5);
    ring.full = true;
    assert_int_equal(current_node(), 0);
    ring.full = false;
    check_now();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),      cmocka_unit_test(test_deep),
        cmocka_unit_test(test_deep_again),  cmocka_unit_test(test_marks),
        cmocka_unit_test(test_reused_code), cmocka_unit_test(test_stamps),
        cmocka_unit_test(test_texts),       cmocka_unit_test(test_distrust),
        cmocka_unit_test(test_full_ring),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
